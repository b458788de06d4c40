// Writing over what stands in files, so that it is done whole or, after a crash, can be done whole: what is to be written stands
// in a file of its own, synced, before the first byte changes. Only the folder's writer may do either.
import { type FileHandle, open, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { decodeMap, encodeMap } from './codec.js';
import { systemCode } from './errors.js';
import { checkFrame, FRAME_HEADER_BYTES, sealFrame } from './frame.js';

const REDO = 'erasing.redo';
/** Well below the largest frame, which the redo file is one of. */
const BATCH_BYTES = 256 * 1024;

export interface Overwrite {
  /** The name of a file in the folder. */
  readonly file: string;
  readonly offset: number;
  /** `head`, then `fill` again and again, up to `length` bytes. */
  readonly length: number;
  readonly head: Uint8Array;
  readonly fill: number;
}

/** Collects overwrites and does them in batches. */
export class Overwriter {
  readonly #dir: string;
  readonly #beforeWrite: () => void;
  #batch: Overwrite[] = [];
  #bytes = 0;
  #used = false;

  /** `beforeWrite`: called when a batch's redo file is on the disk and nothing is overwritten yet; for tests. */
  constructor(dir: string, beforeWrite: () => void = () => {}) {
    this.#dir = dir;
    this.#beforeWrite = beforeWrite;
  }

  async add(overwrite: Overwrite): Promise<void> {
    this.#batch.push(overwrite);
    this.#bytes += overwrite.head.length + 64;
    if (this.#bytes >= BATCH_BYTES) await this.flush();
  }

  /** All that was added is on the disk when this resolves. */
  async flush(): Promise<void> {
    if (this.#batch.length === 0) return;
    const batch = this.#batch;
    await writeRedo(this.#dir, batch);
    this.#used = true;
    this.#beforeWrite();
    await apply(this.#dir, batch);
    this.#batch = [];
    this.#bytes = 0;
  }

  async close(): Promise<void> {
    await this.flush();
    if (this.#used) await unlink(join(this.#dir, REDO)).catch(ignoreMissing);
    this.#used = false;
  }
}

/** Does what a process had begun that died in it. */
export async function finishOverwrites(dir: string): Promise<void> {
  const path = join(dir, REDO);
  const handle = await open(path, 'r').catch(ignoreMissing);
  if (handle === undefined) return;
  let bytes: Buffer;
  try {
    bytes = await handle.readFile();
  } finally {
    await handle.close();
  }
  const check = checkFrame(bytes, 0, bytes.length, 0);
  // A torn one: the process died before it changed anything.
  if (check.status === 'ok') {
    const batch = decodeMap(bytes.subarray(FRAME_HEADER_BYTES, check.end))?.batch;
    if (Array.isArray(batch)) await apply(dir, batch as Overwrite[]);
  }
  await unlink(path).catch(ignoreMissing);
}

async function writeRedo(dir: string, batch: readonly Overwrite[]): Promise<void> {
  const payload = encodeMap({ version: 1, batch });
  const frame = Buffer.alloc(FRAME_HEADER_BYTES + payload.length);
  payload.copy(frame, FRAME_HEADER_BYTES);
  sealFrame(frame, 0, payload.length, 0);
  const handle = await open(join(dir, REDO), 'w', 0o600);
  try {
    await writeAll(handle, frame, 0);
    await handle.datasync();
  } finally {
    await handle.close();
  }
}

async function apply(dir: string, batch: readonly Overwrite[]): Promise<void> {
  for (const file of new Set(batch.map((each) => each.file))) {
    // Deleted meanwhile: what was to be erased is gone.
    const handle = await open(join(dir, file), 'r+').catch(ignoreMissing);
    if (handle === undefined) continue;
    try {
      const { atime, mtime, size } = await handle.stat();
      for (const each of batch) {
        if (each.file !== file || each.offset + each.length > size) continue;
        const bytes = Buffer.alloc(each.length, each.fill);
        bytes.set(each.head);
        await writeAll(handle, bytes, each.offset);
      }
      // A segment's age says when it may go: being erased makes it no younger.
      await handle.utimes(atime, mtime);
      await handle.datasync();
    } finally {
      await handle.close();
    }
  }
}

async function writeAll(handle: FileHandle, bytes: Buffer, position: number): Promise<void> {
  let done = 0;
  while (done < bytes.length) {
    const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, position + done);
    done += bytesWritten;
  }
}

function ignoreMissing(error: unknown): undefined {
  if (systemCode(error) !== 'ENOENT') throw error;
}
