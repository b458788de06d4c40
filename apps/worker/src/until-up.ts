import { setTimeout as sleep } from 'node:timers/promises';

const FIRST_WAIT_MS = 200;
const LONGEST_WAIT_MS = 5_000;

export interface Retrying {
  readonly signal: AbortSignal;
  readonly failed: (error: unknown, waitMs: number) => void;
  readonly wait?: (ms: number, signal: AbortSignal) => Promise<void>;
}

/** Tries until it works: the database may still be starting. Rejects only when `signal` says stop. */
export async function untilUp<T>(attempt: () => Promise<T>, { signal, failed, wait = pause }: Retrying): Promise<T> {
  for (let waitMs = FIRST_WAIT_MS; ; waitMs = Math.min(2 * waitMs, LONGEST_WAIT_MS)) {
    signal.throwIfAborted();
    try {
      return await attempt();
    } catch (error) {
      failed(error, waitMs);
      await wait(waitMs, signal);
    }
  }
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal });
}
