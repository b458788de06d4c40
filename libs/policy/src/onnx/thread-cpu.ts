import { openSync, readSync } from 'node:fs';

/** A reader of the calling thread's CPU time in ms since the thread began; it answers null where the platform does not tell. */
export function threadCpuClock(): () => number | null {
  // First number: nanoseconds on a CPU. `thread-self` is the thread that opens it, which is the one to measure.
  let file: number;
  try {
    file = openSync('/proc/thread-self/schedstat', 'r');
  } catch {
    return () => null;
  }
  const bytes = Buffer.alloc(64);
  return () => Number.parseInt(bytes.toString('latin1', 0, readSync(file, bytes, 0, 64, 0)), 10) / 1e6;
}
