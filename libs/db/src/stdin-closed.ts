import { fstatSync } from 'node:fs';

/**
 * Calls `closed` when the other end of a standard input that is a pipe is gone: the process that started this one died,
 * however it died, and no orphan may stay behind. A terminal or /dev/null says nothing about a parent.
 */
export function onStdinClosed(closed: () => void): void {
  let isPipe = false;
  try {
    const stdin = fstatSync(0);
    isPipe = stdin.isFIFO() || stdin.isSocket();
  } catch {
    // Closed from the start: nobody holds the other end.
  }
  if (!isPipe) return;
  process.stdin.once('end', closed);
  process.stdin.once('error', closed);
  process.stdin.resume();
}
