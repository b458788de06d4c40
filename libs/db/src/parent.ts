import { fstatSync } from 'node:fs';

/**
 * Calls `gone` once when the process that started this one is no more: its end of our standard input, or of the IPC
 * channel, has closed. Only where standard input is a pipe: a terminal or /dev/null says nothing about a parent. So a
 * supervisor killed with SIGKILL leaves no orphans.
 */
export function onParentGone(gone: () => void): void {
  if (process.channel !== undefined) process.once('disconnect', gone);
  let isPipe = false;
  try {
    const stdin = fstatSync(0);
    isPipe = stdin.isFIFO() || stdin.isSocket();
  } catch {
    // Closed from the start: nobody holds the other end.
  }
  if (!isPipe) return;
  process.stdin.once('end', gone);
  process.stdin.once('error', gone);
  process.stdin.resume();
}
