import type { Backend, Client } from './backend.js';
import type { StartTimer } from './connection.js';
import { PreparedNames } from './prepared-names.js';

/**
 * What a PostgreSQL server does in background processes and the embedded engine, having none, would never do: without
 * checkpoints its write-ahead log grows for ever (and with it the start after a kill), without vacuum tables that are
 * updated grow for ever, without analyze the planner guesses.
 */
export interface Housekeeping {
  /** One round: a checkpoint if the log grew, and the one table that needs it most vacuumed or analysed. */
  run(): Promise<void>;
  stop(): Promise<void>;
}

export const HOUSEKEEPING_MS = 30_000;
const CHECKPOINT_BYTES = 32 << 20;

const LOG_BYTES = 'SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), redo_lsn)::bigint FROM pg_control_checkpoint()';

/** Thresholds as autovacuum's: 50 rows + 20 % dead, 50 rows + 10 % changed. Empty when nothing needs it. */
const NEXT_TABLE = `
SELECT coalesce((
  SELECT CASE WHEN n_dead_tup > 50 + 0.2 * n_live_tup THEN 'VACUUM (ANALYZE) ' ELSE 'ANALYZE ' END
    || format('%I.%I', schemaname, relname)
  FROM pg_stat_user_tables
  WHERE n_dead_tup > 50 + 0.2 * n_live_tup OR n_mod_since_analyze > 50 + 0.1 * n_live_tup
  ORDER BY n_dead_tup / (50 + 0.2 * n_live_tup) + n_mod_since_analyze / (50 + 0.1 * n_live_tup) DESC
  LIMIT 1), '')`;

export function startHousekeeping(
  backend: Backend,
  { startTimer, failed }: { readonly startTimer: StartTimer; readonly failed: (cause: unknown) => void },
): Housekeeping {
  const keeper: Client = { names: new PreparedNames(0), settings: new Map(), push: () => undefined };
  let stopped = false;
  let running: Promise<void> = Promise.resolve();
  let stopTimer = startTimer(HOUSEKEEPING_MS, tick);

  function tick(): void {
    running = round().catch(failed);
    void running.then(() => {
      if (!stopped) stopTimer = startTimer(HOUSEKEEPING_MS, tick);
    });
  }

  /** Each step is a turn of its own: others' queries run between. */
  async function turn<T>(work: () => Promise<T>): Promise<T> {
    await backend.takeTurn(keeper);
    try {
      return await work();
    } finally {
      backend.turns.release(keeper);
    }
  }

  async function round(): Promise<void> {
    const grown = await turn(async () => Number(await backend.firstValue(LOG_BYTES)));
    if (grown > CHECKPOINT_BYTES && !stopped) await turn(() => backend.internal('CHECKPOINT'));
    const command = stopped ? '' : await turn(() => backend.firstValue(NEXT_TABLE));
    // A table dropped since then is an error that needs no answer.
    if (command !== '' && !stopped) await turn(() => backend.internal(command));
  }

  return {
    run: round,
    async stop() {
      stopped = true;
      stopTimer();
      await running;
    },
  };
}
