import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type JournalFault, loadShippedPosition, type Position, readJournal } from '@sinew/journal';
import { ENTRIES } from '../entries.js';
import { type Clock, systemClock } from '../supervisor/clock.js';
import { whileRunning } from '../supervisor/while-running.js';

export const journalFolder = (dataDir: string): string => join(dataDir, 'journal');

/** A shipper that stores nothing for so long will not do it soon. */
const PATIENCE_MS = 15_000;
const LOOK_EVERY_MS = 50;

export interface Shipped {
  /** False where the shipper stopped moving before it had passed everything. */
  readonly complete: boolean;
  /** Damage in the part that was still to be shipped. Torn ends are none: nobody was answered on them. */
  readonly faults: readonly JournalFault[];
}

/** Waits until the shipper that runs has stored everything the journal holds at this moment, as long as it moves. */
export async function waitUntilShipped(dataDir: string, clock: Clock = systemClock): Promise<Shipped> {
  const dir = journalFolder(dataDir);
  if (!existsSync(dir)) return { complete: true, faults: [] }; // another machine's gateway writes it
  const { end, faults } = await journalEnd(dir);
  let at = await loadShippedPosition(dir);
  let movedAt = clock.now();
  while (end !== null && !reached(at, end)) {
    if (clock.now() - movedAt >= PATIENCE_MS) return { complete: false, faults };
    await clock.sleep(LOOK_EVERY_MS);
    const now = await loadShippedPosition(dir);
    if (now?.segment !== at?.segment || now?.offset !== at?.offset) movedAt = clock.now();
    at = now;
  }
  return { complete: true, faults };
}

/** With nothing running: runs a shipper until everything the journal holds is stored. */
export async function shipRemaining(dataDir: string, databaseUrl: string): Promise<Shipped> {
  const dir = journalFolder(dataDir);
  if (!existsSync(dir)) return { complete: true, faults: [] };
  const { end, faults } = await journalEnd(dir);
  if (end === null) return { complete: true, faults };
  const environment = { SINEW_DATA_DIR: dataDir, DATABASE_URL: databaseUrl };
  return whileRunning({ name: 'shipper', entry: ENTRIES.shipper, environment }, () => waitUntilShipped(dataDir));
}

/** Behind the last record written so far; null when everything is shipped. */
async function journalEnd(dir: string): Promise<{ end: Position | null; faults: JournalFault[] }> {
  let end: Position | null = null;
  const faults: JournalFault[] = [];
  const onFault = (fault: JournalFault): void => {
    if (fault.reason !== 'torn') faults.push(fault);
  };
  for await (const { next } of readJournal({ dir, from: await loadShippedPosition(dir), onFault })) end = next;
  return { end, faults };
}

const reached = (at: Position | null, end: Position): boolean =>
  at !== null && (at.segment > end.segment || (at.segment === end.segment && at.offset >= end.offset));
