import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { announceReady, EXIT_FOLDER_HELD, onStopRequested, requireSettings } from '@sinew/config';
import { createJobs, queueStatistics, STATISTICS_WINDOW_MS } from '@sinew/jobs';
import { JournalError, JournalReader, loadCheckpoint, pruneShipped, saveCheckpoint } from '@sinew/journal';
import { createLogger } from '@sinew/telemetry';
import { ShippingDatabase } from './database.js';
import { ErasureWatch } from './erasure-watch.js';
import { ReadAhead } from './read-ahead.js';
import { SHIP_AT_ONCE, Shipper } from './shipper.js';
import { ShipperLoop } from './shipper-loop.js';
import { StatusNews } from './status-news.js';

/** From SIGTERM: what the gateway wrote last still goes to a database that answers; the rest waits in the journal. */
const FLUSH_MS = 700;
const EXIT_LIMIT_MS = 1_000;
const STATUS_EVERY_MS = 1_000;

/** The composition root of `sinew shipper`: brings one gateway's journal to the database. */
async function main(): Promise<void> {
  process.title = 'sinew shipper';
  const settings = requireSettings({ env: process.env });
  const databaseUrl = settings.database_url;
  if (databaseUrl === null) throw new Error('DATABASE_URL is not set; `sinew up` starts an embedded database');
  const log = createLogger('shipper', settings.log_level);
  const now = () => Date.now();

  const dir = join(settings.data_dir, 'journal');
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const checkpoint = await loadCheckpoint(dir);
  const faults = { count: 0 };
  const reader = await JournalReader.open({
    dir,
    from: checkpoint?.position ?? null,
    onFault: (fault) => {
      faults.count++;
      log.error({ fault }, 'damage in the journal');
    },
    onLockLost: () => {
      log.error({ dir }, 'another shipper took this folder');
      process.exit(1);
    },
  });

  const source = new ReadAhead(reader, SHIP_AT_ONCE);
  const database = new ShippingDatabase(databaseUrl, join(dir, 'refused.ndjson'), (error, message) =>
    log.error({ err: error }, message),
  );
  const jobs = createJobs({
    databaseUrl,
    redisUrl: settings.redis_url,
    onError: (error, about) => log.warn({ err: error, ...about }, 'jobs'),
  });
  const shipper = new Shipper(
    {
      source,
      store: database,
      saveCheckpoint: (next) => saveCheckpoint(dir, next),
      queueStatistics: oncePerWindow((hourMs) => queueStatistics(jobs, hourMs, now()), now),
      now,
    },
    checkpoint,
  );
  const watch = new ErasureWatch({
    header: () => reader.header,
    erasures: (work) => database.erasures(work),
    forget: (rows) => shipper.forget(rows),
    now,
  });
  const keep = { days: settings.journal_keep_days, budgetBytes: settings.journal_budget_mb * 1_048_576 };
  const loop = new ShipperLoop({
    shipper,
    prune: async () => {
      const shipped = shipper.savedPosition;
      if (shipped === null) return null;
      // A database that is away cannot say whether it keeps what it has: then nothing goes that it might need.
      const durable = await database.isDurable().catch(() => false);
      return pruneShipped({ dir, shipped, keep: durable ? null : keep, nowMs: now() });
    },
    forgetErased: () => watch.look(),
    now,
    wait: (ms, signal) => sleep(ms, undefined, { signal }).catch(() => {}),
    log,
  });

  const stopping = new AbortController();
  const stop = (cause: string): void => {
    if (stopping.signal.aborted) return;
    log.info({ cause }, 'stopping');
    setTimeout(() => process.exit(0), EXIT_LIMIT_MS);
    stopping.abort();
  };
  onStopRequested(stop);
  const news = new StatusNews();
  const tellStatus = (last = false) => {
    const status = { ...loop.status(), journal_faults: faults.count };
    if (process.connected && news.isNews(status, now(), last)) process.send?.({ type: 'status', ...status });
  };
  const ticker = setInterval(tellStatus, STATUS_EVERY_MS);

  announceReady();
  await loop.run(stopping.signal);
  clearInterval(ticker);
  await loop.flush(now() + FLUSH_MS);
  tellStatus(true);
  await source.settled();
  await reader.close();
  log.info(loop.status(), 'stopped');
  await Promise.allSettled([jobs.close(), database.close()]);
  process.exit(0);
}

/** Within a window the same job is found again and again: asking once is enough. */
function oncePerWindow(queue: (hourMs: number) => Promise<void>, now: () => number): (hourMs: number) => Promise<void> {
  const queued = new Map<number, number>();
  return async (hourMs) => {
    const window = Math.floor(now() / STATISTICS_WINDOW_MS);
    for (const [hour, last] of queued) if (last < window) queued.delete(hour);
    if (queued.has(hourMs)) return;
    await queue(hourMs);
    queued.set(hourMs, window);
  };
}

main().catch((error: unknown) => {
  process.stderr.write(`sinew shipper: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(error instanceof JournalError && error.code === 'locked' ? EXIT_FOLDER_HELD : 1);
});
