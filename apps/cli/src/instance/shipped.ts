import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { loadShippedPosition, type Position, readJournal } from '@sinew/journal';
import { ENTRIES } from '../entries.js';
import { Failure } from '../failure.js';
import { systemClock } from '../supervisor/clock.js';
import { SupervisedProcess } from '../supervisor/supervised-process.js';
import { readable } from '../up/trouble.js';

export const journalFolder = (dataDir: string): string => join(dataDir, 'journal');

const PATIENCE_MS = 10_000;
const LOOK_EVERY_MS = 50;

/** Waits until the shipper that runs has stored everything the journal holds at this moment; says so when it does not. */
export async function waitUntilShipped(dataDir: string, warn: (line: string) => void): Promise<void> {
  const dir = journalFolder(dataDir);
  if (!existsSync(dir)) return; // another machine's gateway writes it
  const until = systemClock.now() + PATIENCE_MS;
  const end = await journalEnd(dir);
  while (end !== null && !reached(await loadShippedPosition(dir), end)) {
    if (systemClock.now() > until) return warn('the newest inferences are not in the database yet: the shipper is behind');
    await systemClock.sleep(LOOK_EVERY_MS);
  }
}

/** Behind the last record written so far; null when everything is shipped. */
async function journalEnd(dir: string): Promise<Position | null> {
  let end: Position | null = null;
  for await (const { next } of readJournal({ dir, from: await loadShippedPosition(dir) })) end = next;
  return end;
}

const reached = (at: Position | null, end: Position): boolean =>
  at !== null && (at.segment > end.segment || (at.segment === end.segment && at.offset >= end.offset));
