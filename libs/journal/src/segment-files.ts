// What is done to a segment's file, as plain calls that wait for the disk: for a thread that may wait. io.ts takes the same steps for
// who has no thread, as commands do that write a record and end; io.test.ts holds both to one behaviour.
import {
  closeSync,
  fdatasyncSync,
  fsyncSync,
  ftruncateSync,
  linkSync,
  openSync,
  rmSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';

/** Writes all of `bytes[0, length)` at `position`, or throws. */
export function writeAll(fd: number, bytes: Uint8Array, length: number, position: number): void {
  for (let done = 0; done < length; ) done += writeSync(fd, bytes, done, length - done, position + done);
}

/**
 * A new file with `head` in it, on disk and named before its descriptor is returned; throws EEXIST where the name is taken. Where
 * it throws something else, the name may be taken all the same.
 */
export function createSegmentFile(path: string, head: Uint8Array): number {
  const temporary = `${path}.new`;
  // Only the holder of the writer's lock comes here: what is there is of an attempt that failed, and may be the segment itself
  // under its second name. So it is never written to.
  rmSync(temporary, { force: true });
  const fd = openSync(temporary, 'wx', 0o600);
  try {
    writeAll(fd, head, head.length, 0);
    fdatasyncSync(fd);
    // Named only when its header is on the disk: a reader never meets a segment without one. `link` refuses a taken name.
    linkSync(temporary, path);
    unlinkSync(temporary);
    syncFolder(dirname(path));
    return fd;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/** A new name is durable only when its folder is synced too. */
function syncFolder(folder: string): void {
  const fd = openSync(folder, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

export const syncFile: (fd: number) => void = fdatasyncSync;
export const truncateFile: (fd: number, length: number) => void = ftruncateSync;
export const closeFile: (fd: number) => void = closeSync;
