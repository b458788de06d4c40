// How far the shipper came: a file in the folder, replaced whole. The first line is the position (the writer reads no more of it:
// what lies before counts as shipped); the second is the shipper's own state at that position.
import { open, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { systemCode } from './errors.js';
import type { Position } from './reader.js';

const FIRST_LINE_BYTES = 256;

export interface Checkpoint {
  readonly position: Position;
  /** JSON text, the shipper's own; it belongs to this position. */
  readonly state: string;
}

export async function saveCheckpoint(dir: string, checkpoint: Checkpoint): Promise<void> {
  const path = checkpointPath(dir);
  const temporary = `${path}.new`;
  const { segment, offset } = checkpoint.position;
  const handle = await open(temporary, 'w', 0o600);
  try {
    await handle.writeFile(`${JSON.stringify({ version: 1, segment, offset })}\n${checkpoint.state}`);
    // Without it a power cut can leave the new name with nothing in it, and shipping would begin at the oldest record again.
    await handle.datasync();
  } finally {
    await handle.close();
  }
  await rename(temporary, path);
}

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
  return position === null ? null : { position, state: rest.join('\n') };
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
