import { describe, expect, test } from 'vitest';
import { PATIENT, useWireBench } from '../testing/wire-bench.js';
import { HOUSEKEEPING_MS } from './housekeeping.js';

const bench = useWireBench();

describe('housekeeping that PostgreSQL’s background processes would do', () => {
  const round = async () => {
    await expect.poll(() => [...bench.timers.armed].some((timer) => timer.ms === HOUSEKEEPING_MS), PATIENT).toBe(true);
    bench.timers.fire(HOUSEKEEPING_MS);
  };

  test('the log’s growth ends in a checkpoint', async () => {
    const one = await bench.client();
    const redo = async () => (await one.query('SELECT redo_lsn::text AS at FROM pg_control_checkpoint()')).rows[0].at;
    const before = await redo();
    await round();
    await round();
    expect(await redo()).toBe(before);
    await one.query('CREATE TABLE big AS SELECT repeat(md5(i::text), 60) AS t FROM generate_series(1, 25000) AS i');
    await round();
    await round();
    expect(await redo()).not.toBe(before);
    await one.query('DROP TABLE big');
  });

  test('dead rows are vacuumed away and the planner learns what there is', async () => {
    const one = await bench.client();
    await one.query('CREATE TABLE churn AS SELECT i FROM generate_series(1, 1000) AS i; UPDATE churn SET i = i + 1');
    const state = async () =>
      (
        await one.query(
          `SELECT n_dead_tup::int AS dead, n_mod_since_analyze::int AS changed, reltuples::int AS known
           FROM pg_stat_user_tables s JOIN pg_class c ON c.oid = s.relid WHERE s.relname = 'churn'`,
        )
      ).rows[0];
    // Counts are gathered at most once a second, unless asked for.
    await one.query('SELECT pg_stat_force_next_flush()');
    expect(await state()).toMatchObject({ dead: 1_000, known: -1 });
    for (let rounds = 0; rounds < 5; rounds++) await round();
    await expect.poll(state, PATIENT).toEqual({ dead: 0, changed: 0, known: 1_000 });
    await one.query('DROP TABLE churn');
  });
});
