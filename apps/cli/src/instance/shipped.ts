import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { loadShippedPosition, type Position, readJournal } from '@sinew/journal';
import { ENTRIES } from '../entries.js';
import { systemClock } from '../supervisor/clock.js';
import { whileRunning } from '../supervisor/while-running.js';

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
    if (systemClock.now() > until)
      return warn('the newest inferences are not in the database yet: the shipper is behind');
    await systemClock.sleep(LOOK_EVERY_MS);
  }
}

/** With nothing running: runs a shipper until everything the journal holds is stored. */
export async function shipRemaining(dataDir: string, databaseUrl: string, warn: (line: string) => void): Promise<void> {
  const dir = journalFolder(dataDir);
  if (!existsSync(dir) || (await journalEnd(dir)) === null) return;
  const environment = { SINEW_DATA_DIR: dataDir, DATABASE_URL: databaseUrl };
  await whileRunning({ name: 'shipper', entry: ENTRIES.shipper, environment }, () => waitUntilShipped(dataDir, warn));
}

/** Behind the last record written so far; null when everything is shipped. */
async function journalEnd(dir: string): Promise<Position | null> {
  let end: Position | null = null;
  for await (const { next } of readJournal({ dir, from: await loadShippedPosition(dir) })) end = next;
  return end;
}

const reached = (at: Position | null, end: Position): boolean =>
  at !== null && (at.segment > end.segment || (at.segment === end.segment && at.offset >= end.offset));
