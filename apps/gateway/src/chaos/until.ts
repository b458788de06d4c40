import { setTimeout as pause } from 'node:timers/promises';

const ASK_EVERY_MS = 50;

/** Asks until the answer is neither false, null nor undefined, and gives it back. What is awaited stands in the failure. */
export async function until<T>(
  what: string,
  ask: () => T | Promise<T>,
  withinMs = 60_000,
): Promise<Exclude<T, false | null | undefined>> {
  const deadline = performance.now() + withinMs;
  let trouble = '';
  for (;;) {
    try {
      const answer = await ask();
      if (answer !== false && answer !== null && answer !== undefined)
        return answer as Exclude<T, false | null | undefined>;
    } catch (error) {
      trouble = error instanceof Error ? ` (${error.message})` : '';
    }
    if (performance.now() > deadline) throw new Error(`not within ${withinMs / 1000} s: ${what}${trouble}`);
    await pause(ASK_EVERY_MS);
  }
}
