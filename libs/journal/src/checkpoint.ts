// How far the shipper came: a file in the folder, replaced whole. The first line is the position (the writer reads no more of it:
// what lies before counts as shipped); the second is the shipper's own state at that position.
import { constants } from 'node:fs';
import { link, open, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { systemCode } from './errors.js';
import type { Position } from './reader.js';

const FIRST_LINE_BYTES = 256;
/** A checkpoint is padded with spaces to a multiple of this, so that the next ones fit where it was. */
const ROOM_BYTES = 65_536;

export interface Checkpoint {
  readonly position: Position;
  /** JSON text, the shipper's own; it belongs to this position. */
  readonly state: string;
}

/**
 * Replaces the checkpoint whole. The file that it takes the place of becomes the next one's room, written over and never cut: on a disk
 * that the journal has filled shipping still gets on, and with it there is room again.
 */
export async function saveCheckpoint(dir: string, checkpoint: Checkpoint): Promise<void> {
  const path = checkpointPath(dir);
  const temporary = `${path}.new`;
  const spare = `${path}.spare`;
  const { segment, offset } = checkpoint.position;
  // Left by a crash: the room, where that is missing; else the checkpoint under a second name, not to be written into.
  await link(spare, temporary).catch(() => undefined);
  await rm(spare, { force: true });
  const handle = await open(temporary, constants.O_RDWR | constants.O_CREAT, 0o600);
  try {
    const text = Buffer.from(`${JSON.stringify({ version: 1, segment, offset })}\n${checkpoint.state}`);
    const { size } = await handle.stat();
    const padded = Buffer.alloc(text.length <= size ? size : roomFor(text.length), ' ');
    text.copy(padded);
    await handle.writeFile(padded);
    // Without it a power cut can leave the new name with nothing in it, and shipping would begin at the oldest record again.
    await handle.datasync();
  } finally {
    await handle.close();
  }
  const kept = await link(path, spare).then(
    () => true,
    // there is none yet, or the file system has no links: then the next one finds room or does not
    () => false,
  );
  await rename(temporary, path);
  if (kept) await rename(spare, temporary);
}

const roomFor = (bytes: number): number => Math.ceil((bytes + ROOM_BYTES / 2) / ROOM_BYTES) * ROOM_BYTES;

/** Shipping begins at the oldest record again: for a database that was lost. */
export async function clearCheckpoint(dir: string): Promise<void> {
  await rm(checkpointPath(dir), { force: true });
}

/** Null where there is none, or none that can be read: then shipping begins anew, which stores no row twice. */
export async function loadCheckpoint(dir: string): Promise<Checkpoint | null> {
  const text = await readFile(checkpointPath(dir), 'utf8').catch(nullIfMissing);
  if (text === null) return null;
  const [first = '', ...rest] = text.split('\n');
  const position = parsePosition(first);
  return position === null ? null : { position, state: rest.join('\n').trimEnd() };
}

/** The position alone, cheap enough for the gateway to read every second. */
export async function loadShippedPosition(dir: string): Promise<Position | null> {
  const handle = await open(checkpointPath(dir), 'r').catch(nullIfMissing);
  if (handle === null) return null;
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(FIRST_LINE_BYTES), 0, FIRST_LINE_BYTES, 0);
    const [first = ''] = buffer.toString('utf8', 0, bytesRead).split('\n');
    return parsePosition(first);
  } finally {
    await handle.close();
  }
}

function checkpointPath(dir: string): string {
  return join(dir, 'shipped.checkpoint');
}

function parsePosition(line: string): Position | null {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value !== 'object' || value === null || !('segment' in value) || !('offset' in value)) return null;
    const { segment, offset } = value;
    if (typeof segment !== 'number' || typeof offset !== 'number') return null;
    return Number.isSafeInteger(segment) && Number.isSafeInteger(offset) ? { segment, offset } : null;
  } catch {
    return null;
  }
}

function nullIfMissing(error: unknown): null {
  if (systemCode(error) === 'ENOENT') return null;
  throw error;
}
