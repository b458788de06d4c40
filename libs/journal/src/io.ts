// The file operations that can fail while the journal runs, behind a port: tests make the disk full or broken.
import { type FileHandle, link, open, rm, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';

export interface SegmentFile {
  /** Writes all of `bytes[0, length)` at `position`, or throws. */
  write(bytes: Buffer, length: number, position: number): Promise<void>;
  sync(): Promise<void>;
  truncate(length: number): Promise<void>;
  close(): Promise<void>;
}

export interface JournalIo {
  /**
   * A new file with `head` in it, on disk and named before it returns; throws EEXIST where the name is taken. Where it throws
   * something else, the name may be taken all the same.
   */
  create(path: string, head: Buffer): Promise<SegmentFile>;
  /** Waits before a failed write is tried again. */
  pause(ms: number): Promise<void>;
  /** Takes the answers that are there, without waiting for the event loop's next turn. */
  poll?(): void;
  /** After the last file was closed. */
  close?(): Promise<void>;
}

export const nodeIo: JournalIo = {
  async create(path, head) {
    const temporary = `${path}.new`;
    // Only the holder of the writer's lock comes here: what is there is of an attempt that failed, and may be the segment itself
    // under its second name. So it is never written to.
    await rm(temporary, { force: true });
    const handle = await open(temporary, 'wx', 0o600);
    try {
      await writeAll(handle, head, head.length, 0);
      await handle.datasync();
      // Named only when its header is on the disk: a reader never meets a segment without one. `link` refuses a taken name.
      await link(temporary, path);
      await unlink(temporary);
      await syncFolder(dirname(path));
    } catch (error) {
      await handle.close();
      throw error;
    }
    return {
      write: (bytes, length, position) => writeAll(handle, bytes, length, position),
      sync: () => handle.datasync(),
      truncate: (length) => handle.truncate(length),
      close: () => handle.close(),
    };
  },
  pause: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
};

async function writeAll(handle: FileHandle, bytes: Buffer, length: number, position: number): Promise<void> {
  let done = 0;
  while (done < length) {
    const { bytesWritten } = await handle.write(bytes, done, length - done, position + done);
    done += bytesWritten;
  }
}

/** A new name is durable only when its folder is synced too. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
