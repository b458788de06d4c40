import { setTimeout as sleep } from 'node:timers/promises';
import type { PolicyBackend, PolicyInput, Requester, Scheduler } from '@sinew/policy';

export interface Rate {
  readonly inferences: number;
  readonly wallMs: number;
  /** Of the policy threads; null where the platform does not tell. */
  readonly cpuMs: number | null;
}

/** Until queues and buffers are as full as they get. */
const RAMP_MS = 300;

/**
 * Sessions that ask again the moment they are answered, so that more wait at any time than the workers can hold: what
 * scheduler and workers answer in `ms`.
 */
export async function saturate(
  scheduler: Scheduler,
  backend: PolicyBackend,
  input: PolicyInput,
  sessions: number,
  ms: number,
): Promise<Rate> {
  let running = true;
  let answered = 0;
  let fault: string | null = null;
  const requesters = Array.from({ length: sessions }, (_, index): Requester => {
    const requester: Requester = {
      id: `session-${index}`,
      slack: () => 0,
      starving: () => false,
      take: () => input,
      done: (output) => {
        answered++;
        if (!output.ok) fault = output.reason;
        if (running) scheduler.enqueue(requester);
      },
    };
    return requester;
  });
  for (const requester of requesters) scheduler.enqueue(requester);
  await sleep(RAMP_MS);
  const [beginMs, begin, beginAnswered] = [performance.now(), backend.stats(), answered];
  await sleep(ms);
  const [endMs, end, endAnswered] = [performance.now(), backend.stats(), answered];
  running = false;
  while (scheduler.stats().batchesInFlight > 0 || scheduler.stats().depth > 0) await sleep(5);
  for (const requester of requesters) scheduler.remove(requester);
  if (fault !== null) throw new Error(`the policy refused an input: ${fault}`);
  return {
    inferences: endAnswered - beginAnswered,
    wallMs: endMs - beginMs,
    cpuMs: begin.cpuMs === null || end.cpuMs === null ? null : end.cpuMs - begin.cpuMs,
  };
}
