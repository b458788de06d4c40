import { setTimeout as sleep } from 'node:timers/promises';
import type { GatewayRecord } from '@sinew/accounts';
import type { Bus } from '@sinew/cache';
import { type createPool, exportCustomer, repositories } from '@sinew/db';
import { eraseInThread, type JournalWriter, journalIdOf, type LogTail, logIdTimeMs } from '@sinew/journal';
import type { Logger } from '@sinew/telemetry';
import { LogFinder } from '../feedback/log-finder.js';
import type { Route } from '../http/bind.js';
import { dataRightsRoutes } from '../http/data-rights.js';
import { Eraser, type EraserPorts } from './eraser.js';
import { untilShipped } from './until-shipped.js';

const CLOSE_MS = 500;

export interface ErasureParts {
  readonly pool: ReturnType<typeof createPool>;
  readonly durable: GatewayRecord;
  readonly journal: JournalWriter;
  readonly journalDir: string;
  readonly node: () => number;
  readonly tail: Pick<LogTail, 'find' | 'forget'>;
  readonly bus: Bus;
  /** Whether anything of this customer goes on here. */
  readonly busy: (customerId: string) => boolean;
  readonly eraseRecordings: EraserPorts['eraseRecordings'];
  /** Unix milliseconds. */
  readonly now: () => number;
  readonly log: Logger;
}

export interface OpenErasure {
  readonly eraser: Eraser;
  readonly routes: readonly Route[];
  close(): Promise<void>;
}

/** Puts the parts of erasure and access together. `eraser.start()` begins with what is to be done. */
export function openErasure(parts: ErasureParts): OpenErasure {
  const { bus, durable, journal, journalDir, log, node, now, pool, tail } = parts;
  const { accounts, erasures, feedback } = repositories(pool);
  const wait = (ms: number): Promise<void> => sleep(ms);
  const eraser = new Eraser({
    erasures,
    durable,
    folders: async () => {
      const record = await durable.folder();
      const own = { dir: journalDir, sync: () => journal.sync() };
      return record === null ? [own] : [own, record];
    },
    journalId: () => journalIdOf(journalDir),
    node,
    erase: eraseInThread,
    busy: parts.busy,
    eraseRecordings: parts.eraseRecordings,
    forget: () => {
      journal.forgetTexts();
      return tail.forget();
    },
    shipped: async () => {
      await journal.sync();
      await untilShipped(journalDir, { now, wait });
    },
    // A new id is above every id given out until now, also where the clock was set back.
    latestMs: () => Math.max(now(), Date.now(), logIdTimeMs(journal.nextLogId())),
    publish: (erasureId) => bus.publish('erasure', erasureId),
    now,
    wait,
    log,
  });
  const unsubscribe = bus.subscribe('erasure', () => void eraser.wake());
  const finder = new LogFinder({ database: feedback, tail, node, now, wait });
  const routes = dataRightsRoutes({
    eraser,
    erasures,
    accounts,
    hasLog: async (customerId, logId) => (await finder.find(customerId, logId, null)).kind !== 'missing',
    exported: (customerId, at) => exportCustomer(pool, customerId, at),
    now,
    log,
  });
  return {
    eraser,
    routes,
    async close() {
      unsubscribe();
      // A pass that is under way is carried on by the next gateway.
      await Promise.race([eraser.close(), sleep(CLOSE_MS, undefined, { ref: false })]);
    },
  };
}
