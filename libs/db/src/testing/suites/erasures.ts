import { v7 as uuidv7 } from 'uuid';
import { beforeEach, describe, expect, test } from 'vitest';
import type { ErasureRow } from '../../erasures.js';
import { exportCustomer } from '../../export.js';
import { instructionHash } from '../../instruction-hash.js';
import { EMPTY_BATCH, type QualityFailureRow } from '../../shipping-rows.js';
import { episodeRow, incidentRow, inferenceRow, sessionRow } from '../rows.js';
import type { TestedDatabase } from './tested-database.js';

const AT = '2026-11-06T10:00:00.000Z';
const BEFORE = new Date('2026-11-06T11:00:00.000Z');
const LATER = '2026-11-06T12:00:00.000Z';
const TABLES = [
  'inference_logs',
  'context_metadata',
  'feedback',
  'quality_gate_failures',
  'robot_performance_metrics',
  'episodes',
  'sessions',
  'safety_incidents',
] as const;

let nextLog = 5_000_000;

const qualityFailure = (customer_id: string, timestamp: string): QualityFailureRow => ({
  failure_id: uuidv7(),
  customer_id,
  session_id: null,
  robot_type: null,
  field: 'instruction',
  reason: 'too short',
  rule: 'instruction.words',
  count: 1,
  timestamp,
  source: 'rest',
});

export function registerErasureTests(db: TestedDatabase): void {
  describe('erasure', () => {
    let mine: string;
    let theirs: string;

    beforeEach(async () => {
      mine = uuidv7();
      theirs = uuidv7();
      for (const customer_id of [mine, theirs]) {
        await db.repo.accounts.createCustomer({ name: `tenant ${customer_id}`, customer_id });
      }
    });

    const erasure = (overrides: Partial<ErasureRow> = {}): ErasureRow => ({
      erasure_id: uuidv7(),
      customer_id: mine,
      log_id: null,
      before: BEFORE,
      requested_by: null,
      requested_at: new Date(),
      finished_at: null,
      report: null,
      ...overrides,
    });

    /** One row in every table, of a customer and a time. */
    const rows = (customer_id: string, at: string) => {
      const log_id = nextLog++;
      return {
        ...EMPTY_BATCH,
        sessions: [sessionRow({ customer_id, opened_at: at })],
        episodes: [episodeRow({ customer_id, started_at: at })],
        inferences: [inferenceRow({ customer_id, timestamp: at, log_id })],
        incidents: [incidentRow({ customer_id, opened_at: at, last_violation_at: at, log_id, log_timestamp: at })],
        failures: [qualityFailure(customer_id, at)],
      };
    };

    async function store(customer_id: string, at: string): Promise<number> {
      const batch = rows(customer_id, at);
      const log_id = batch.inferences[0]?.log_id as number;
      await db.repo.shipping.store(batch);
      await db.pool.query(
        `INSERT INTO vlaapi.context_metadata (log_id, customer_id, "timestamp", robot_type, workspace_bounds, environment_type)
         VALUES ($1, $2, $3, 'franka_panda', '{}', 'lab')`,
        [log_id, customer_id, at],
      );
      await db.pool.query(
        `INSERT INTO vlaapi.feedback (customer_id, log_id, log_timestamp, feedback_type, rating, notes, "timestamp")
         VALUES ($1, $2, $3, 'success_rating', 5, 'a note', $3)`,
        [customer_id, log_id, at],
      );
      return log_id;
    }

    const performance = (customer_id: string, day: string) =>
      db.pool.query(
        `INSERT INTO vlaapi.robot_performance_metrics (customer_id, robot_type, model_name, aggregation_date, total_inferences,
           success_count, success_rate, common_instructions) VALUES ($1, 'a', 'm', $2, 1, 1, 1, '{secret}')`,
        [customer_id, day],
      );

    async function contents(customer_id: string): Promise<Record<string, unknown[]>> {
      const all: Record<string, unknown[]> = {};
      for (const table of TABLES) {
        const { rows } = await db.pool.query(
          `SELECT to_jsonb(t) AS row FROM vlaapi.${table} t WHERE customer_id = $1 ORDER BY to_jsonb(t)::text`,
          [customer_id],
        );
        all[table] = rows.map(({ row }) => row);
      }
      return all;
    }

    async function erase(row: ErasureRow): Promise<void> {
      await db.repo.erasures.register(row);
      await db.repo.erasures.eraseTables(row);
    }

    test('takes everything of the customer from before, and nothing of anybody else', async () => {
      await store(mine, AT);
      await store(theirs, AT);
      await performance(mine, '2026-11-06');
      await performance(theirs, '2026-11-06');
      const others = await contents(theirs);
      const request = erasure();
      await erase(request);
      const left = await contents(mine);
      for (const table of TABLES.slice(0, 5)) expect([table, left[table]]).toEqual([table, []]);
      expect(left.episodes).toMatchObject([{ instruction: '', instruction_hash: instructionHash('') }]);
      expect(left.sessions).toMatchObject([{ limits: null, environment: null, client: null, robot_id: 'arm-1' }]);
      expect(left.safety_incidents).toMatchObject([
        { instruction: null, proposed_action: null, sent_action: null, log_id: null, severity: 'medium' },
      ]);
      expect(await contents(theirs)).toEqual(others);
      expect(await db.repo.erasures.parts(request.erasure_id)).toMatchObject([
        {
          part: 'tables',
          counts: {
            removed: {
              inference_logs: 1,
              context_metadata: 1,
              feedback: 1,
              quality_gate_failures: 1,
              robot_performance_metrics: 1,
            },
            blanked: { episodes: 1, sessions: 1, safety_incidents: 1 },
          },
        },
      ]);
    });

    test('leaves what began after it, and does the rest when done again', async () => {
      await store(mine, LATER);
      const later = await contents(mine);
      const request = erasure();
      await erase(request);
      expect(await contents(mine)).toEqual(later);
      await store(theirs, AT);
      // A row that came by another way than the shipper's.
      await db.pool.query('UPDATE vlaapi.feedback SET customer_id = $1 WHERE customer_id = $2', [mine, theirs]);
      await db.repo.erasures.eraseTables(request);
      await db.repo.erasures.eraseTables(request);
      expect(await contents(mine)).toEqual(later);
      expect((await db.repo.erasures.parts(request.erasure_id))[0]?.counts).toEqual({ removed: { feedback: 1 } });
    });

    test('of one log takes that log and what was said of it', async () => {
      const one = await store(mine, AT);
      const other = await store(mine, AT);
      await erase(erasure({ log_id: one }));
      const left = await contents(mine);
      for (const table of ['inference_logs', 'context_metadata', 'feedback'] as const) {
        expect(left[table]).toMatchObject([{ log_id: other }]);
      }
      expect(left.safety_incidents?.map((row) => (row as { log_id: unknown }).log_id).sort()).toEqual([other, null]);
      expect(left.episodes).toMatchObject([{ instruction: 'pick up the red cube' }, {}]);
      expect(left.quality_gate_failures).toHaveLength(2);
    });

    test('is larger than one batch', async () => {
      const inferences = Array.from({ length: 2_500 }, () => inferenceRow({ customer_id: mine, log_id: nextLog++ }));
      await db.repo.shipping.store({ ...EMPTY_BATCH, inferences });
      const request = erasure({ before: new Date() });
      await erase(request);
      expect((await contents(mine)).inference_logs).toEqual([]);
      expect((await db.repo.erasures.parts(request.erasure_id))[0]?.counts).toEqual({
        removed: { inference_logs: 2_500 },
      });
    });

    test('what is shipped after it does not come back; what began after it comes in whole', async () => {
      const before = rows(mine, AT);
      const after = rows(mine, LATER);
      const foreign = rows(theirs, AT);
      await db.repo.erasures.register(erasure());
      const stored = await db.repo.shipping.store({
        ...EMPTY_BATCH,
        sessions: [...before.sessions, ...after.sessions, ...foreign.sessions],
        episodes: [...before.episodes, ...after.episodes, ...foreign.episodes],
        inferences: [...before.inferences, ...after.inferences, ...foreign.inferences],
        incidents: [...before.incidents, ...after.incidents, ...foreign.incidents],
        failures: [...before.failures, ...after.failures],
      });
      expect(stored).toEqual({ inserted: 2, repeated: 0, conflicts: [], erased: 1 });
      const { episodes, inference_logs, quality_gate_failures, safety_incidents, sessions } = await contents(mine);
      expect(quality_gate_failures).toMatchObject([{ failure_id: after.failures[0]?.failure_id }]);
      expect(inference_logs).toMatchObject([{ log_id: after.inferences[0]?.log_id }]);
      const blank = (list: unknown[] | undefined, column: string) =>
        list?.map((row) => (row as Record<string, unknown>)[column]).sort();
      expect(blank(episodes, 'instruction')).toEqual(['', 'pick up the red cube']);
      expect(blank(safety_incidents, 'instruction')).toEqual([null, 'pick up the red cube']);
      expect(sessions?.filter((row) => (row as { environment: unknown }).environment !== null)).toHaveLength(1);
      expect((await contents(theirs)).episodes).toMatchObject([{ instruction: 'pick up the red cube' }]);
    });

    test('one log shipped after its erasure is refused, the others of its customer are not', async () => {
      const one = rows(mine, AT);
      const two = rows(mine, AT);
      await db.repo.erasures.register(erasure({ log_id: one.inferences[0]?.log_id as number }));
      const inferences = [...one.inferences, ...two.inferences];
      const incidents = [...one.incidents, ...two.incidents];
      expect(await db.repo.shipping.store({ ...EMPTY_BATCH, inferences, incidents })).toMatchObject({
        inserted: 1,
        erased: 1,
      });
      const { inference_logs, safety_incidents } = await contents(mine);
      expect(inference_logs).toMatchObject([{ log_id: two.inferences[0]?.log_id }]);
      expect(safety_incidents?.map((row) => (row as { log_id: unknown }).log_id)).toContain(null);
    });

    test('whoever stores at the same moment has stored before, or is refused', async () => {
      const request = erasure();
      const batches = Array.from({ length: 12 }, () => rows(mine, AT));
      const storing = batches.map((batch) => db.repo.shipping.store(batch));
      const registering = db.repo.erasures.register(request);
      await Promise.all([...storing, registering]);
      await db.repo.erasures.eraseTables(request);
      expect((await contents(mine)).inference_logs).toEqual([]);
    });

    test('says who has which part, and is finished once', async () => {
      const request = erasure();
      await db.repo.erasures.register(request);
      await db.repo.erasures.register(request);
      const journal = uuidv7();
      await db.repo.erasures.sawJournal(journal, 3, false);
      await db.repo.erasures.sawJournal(journal, 3, true);
      await db.repo.erasures.sawJournal(journal, 3, false);
      expect((await db.repo.erasures.journals()).find(({ journal_id }) => journal_id === journal)).toMatchObject({
        node: 3,
        has_shipper: true,
      });
      const ids = async () => (await db.repo.erasures.toDo('journal:x')).map(({ erasure_id }) => erasure_id);
      expect(await ids()).toContain(request.erasure_id);
      await db.repo.erasures.report(request.erasure_id, 'journal:x', { counts: null, trouble: 'disk', done: false });
      expect(await ids()).toContain(request.erasure_id);
      await db.repo.erasures.report(request.erasure_id, 'journal:x', { counts: { inference: 3 }, done: true });
      expect(await ids()).not.toContain(request.erasure_id);
      expect(await db.repo.erasures.parts(request.erasure_id)).toMatchObject([
        { part: 'journal:x', counts: { inference: 3 }, trouble: null },
      ]);
      expect(await db.repo.erasures.finish(request.erasure_id, new Date(), { a: 1 })).toBe(true);
      expect(await db.repo.erasures.finish(request.erasure_id, new Date(), { a: 2 })).toBe(false);
      expect(await db.repo.erasures.find(request.erasure_id)).toMatchObject({ report: { a: 1 }, log_id: null });
      expect((await db.repo.erasures.unfinished()).map(({ erasure_id }) => erasure_id)).not.toContain(
        request.erasure_id,
      );
    });
  });

  describe('export', () => {
    test('is everything of the customer from before, page by page, and nothing of another', async () => {
      const [mine, theirs] = [uuidv7(), uuidv7()];
      for (const customer_id of [mine, theirs]) {
        await db.repo.accounts.createCustomer({ name: `tenant ${customer_id}`, customer_id });
        await db.repo.accounts.createKey(customer_id, { name: 'k' });
        const inferences = Array.from({ length: 1_201 }, () =>
          inferenceRow({ customer_id, log_id: nextLog++, timestamp: AT }),
        );
        await db.repo.shipping.store({
          ...EMPTY_BATCH,
          sessions: [sessionRow({ customer_id }), sessionRow({ customer_id, opened_at: LATER })],
          episodes: [episodeRow({ customer_id })],
          inferences,
          incidents: [incidentRow({ customer_id })],
        });
      }
      const lines: { kind: string; row: Record<string, unknown> }[] = [];
      let most = 0;
      for await (const page of exportCustomer(db.pool, mine, BEFORE)) {
        most = Math.max(most, page.length);
        for (const { kind, row } of page) lines.push({ kind, row: JSON.parse(row) as Record<string, unknown> });
      }
      expect(most).toBeLessThanOrEqual(500);
      expect(lines.every(({ row }) => row.customer_id === mine)).toBe(true);
      const counts: Record<string, number> = {};
      for (const { kind } of lines) counts[kind] = (counts[kind] ?? 0) + 1;
      expect(counts).toMatchObject({ customer: 1, key: 1, session: 1, episode: 1, log: 1_201, incident: 1 });
      const logs = lines.filter(({ kind }) => kind === 'log').map(({ row }) => row);
      expect(new Set(logs.map(({ log_id }) => log_id)).size).toBe(1_201);
      const floats = new Float32Array(Uint8Array.from(Buffer.from(String(logs[0]?.chunk_base64), 'base64')).buffer);
      expect([...floats.slice(-2)]).toEqual([5, 6]);
      expect(logs[0]).not.toHaveProperty('chunk');
      expect(lines.find(({ kind }) => kind === 'key')?.row).not.toHaveProperty('key_hash');
    });
  });
}
