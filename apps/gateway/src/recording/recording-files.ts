import { readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { PART, recordingHolds, recoverRecording } from '@sinew/recording';
import type { Kept } from './file-recording.js';
import type { ErasedRecordings } from './recorder-orders.js';

const ENDED = '.mcap';

/** `<session>-<start>.mcap`, the start as Unix milliseconds. */
export const recordingName = (sessionId: string, startMs: number): string =>
  `${sessionId}-${Math.floor(startMs)}${ENDED}`;

/** Ends what was left unended, and says how much all recordings take. `dir`: with a folder a customer. */
export function recoverRecordings(
  dir: string,
  open: ReadonlyMap<number, Kept>,
): { files: number; bytes: number; failures: string[] } {
  const failures: string[] = [];
  const writing = new Set([...open.values()].map(({ path }) => `${path}${PART}`));
  let files = 0;
  let bytes = 0;
  for (const customer of listed(dir)) {
    for (const name of listed(join(dir, customer))) {
      const path = join(dir, customer, name);
      try {
        const ended = name.endsWith(ENDED + PART) && !writing.has(path) ? recoverRecording(path).path : path;
        if (ended !== path) files++;
        bytes += statSync(ended).size;
      } catch (error) {
        failures.push(`${path}: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
  }
  return { files, bytes, failures };
}

/** Removes a customer's recordings, or those that an inference stands in; what is being written ends with it. */
export function eraseRecordings(
  dir: string,
  { beforeMs, logId }: ErasedRecordings,
  open: Map<number, Kept>,
): { files: number; bytes: number; ended: number[]; failure: string | null } {
  const ended: number[] = [];
  let files = 0;
  let bytes = 0;
  try {
    for (const name of listed(dir)) {
      const path = join(dir, name);
      if (startOf(name) > beforeMs) continue;
      const writing = [...open].find(([, kept]) => kept.path !== null && kept.path + PART === path);
      // What waits in memory may be what is looked for.
      writing?.[1].flush();
      if (logId !== null && !recordingHolds(path, logId)) continue;
      if (writing !== undefined) {
        writing[1].abandon();
        open.delete(writing[0]);
        ended.push(writing[0]);
      }
      bytes += statSync(path).size;
      rmSync(path);
      files++;
    }
  } catch (error) {
    return { files, bytes, ended, failure: error instanceof Error ? error.message : String(error) };
  }
  return { files, bytes, ended, failure: null };
}

/** One whose name tells no start is taken for old. */
function startOf(name: string): number {
  return Number(/-(\d+)\.mcap(\.part)?$/.exec(name)?.[1] ?? 0);
}

function listed(dir: string): string[] {
  try {
    return readdirSync(dir);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
