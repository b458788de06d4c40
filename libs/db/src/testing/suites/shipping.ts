import { eq } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/node-postgres';
import { describe, expect, test } from 'vitest';
import { instructionHash } from '../../instruction-hash.js';
import { inferenceLogs } from '../../schema.js';
import { EMPTY_BATCH } from '../../shipping-rows.js';
import { episodeRow, incidentRow, inferenceRow, qualityFailureRow, sessionRow } from '../rows.js';
import type { TestedDatabase } from './tested-database.js';

export function registerShippingTests(db: TestedDatabase): void {
  describe('shipping', () => {
    const storedLog = async (logId: number) => {
      const found = await drizzle(db.pool).select().from(inferenceLogs).where(eq(inferenceLogs.log_id, logId));
      return found[0];
    };

    test('stores every column exactly, the chunk bit for bit', async () => {
      const row = inferenceRow({
        instruction: 'Pick up the RED cube!',
        safety_flags: ['a', 'b'],
        log_id: 2 ** 52 + 1,
      });
      await db.repo.shipping.store({ ...EMPTY_BATCH, inferences: [row] });
      const stored = await storedLog(row.log_id);
      expect(stored).toEqual({
        ...row,
        timestamp: new Date(row.timestamp),
        chunk: Buffer.from(row.chunk),
        instruction_hash: instructionHash('pick up the red cube'),
      });
    });

    test('the same batch twice, and overlapping batches, are one row an inference', async () => {
      const rows = Array.from({ length: 2_500 }, () => inferenceRow());
      const batch = { ...EMPTY_BATCH, inferences: rows };
      expect(await db.repo.shipping.store(batch)).toEqual({ inserted: 2_500, repeated: 0, conflicts: [], erased: 0 });
      expect(await db.repo.shipping.store(batch)).toEqual({ inserted: 0, repeated: 2_500, conflicts: [], erased: 0 });
      const more = {
        ...EMPTY_BATCH,
        inferences: [...rows.slice(2_000), inferenceRow(), ...rows.slice(2_400)],
      };
      expect(await db.repo.shipping.store(more)).toEqual({ inserted: 1, repeated: 500, conflicts: [], erased: 0 });
      const { rows: counted } = await db.pool.query(
        'SELECT count(*) AS n FROM vlaapi.inference_logs WHERE log_id = ANY ($1)',
        [rows.map((row) => row.log_id)],
      );
      expect(counted[0].n).toBe(2_500);
    });

    test('another log_id with the same request_id and time is named, not dropped silently', async () => {
      const first = inferenceRow();
      const second = inferenceRow({ request_id: first.request_id });
      const third = inferenceRow();
      const store = (inferences: (typeof first)[]) => db.repo.shipping.store({ ...EMPTY_BATCH, inferences });
      await store([first]);
      expect(await store([second, third])).toEqual({ inserted: 1, repeated: 0, conflicts: [second.log_id], erased: 0 });
      expect(await store([second, third])).toEqual({ inserted: 0, repeated: 1, conflicts: [second.log_id], erased: 0 });
    });

    test('another request under a log_id that is taken is a conflict, not a repetition', async () => {
      const first = inferenceRow();
      const other = inferenceRow({ log_id: first.log_id });
      const store = (inferences: (typeof first)[]) => db.repo.shipping.store({ ...EMPTY_BATCH, inferences });
      await store([first]);
      expect(await store([first, other])).toEqual({ inserted: 0, repeated: 1, conflicts: [other.log_id], erased: 0 });
      expect((await storedLog(first.log_id))?.request_id).toBe(first.request_id);

      const [one, two] = [inferenceRow(), inferenceRow()];
      expect(await store([one, { ...two, log_id: one.log_id }, one])).toEqual({
        inserted: 1,
        repeated: 0,
        conflicts: [one.log_id],
        erased: 0,
      });
    });

    test('what gates refused, shipped twice and twice in one batch, is one row each, its columns exact', async () => {
      const one = qualityFailureRow();
      const rest = qualityFailureRow({
        customer_id: one.customer_id,
        session_id: null,
        robot_type: null,
        source: 'rest',
      });
      const batch = { ...EMPTY_BATCH, failures: [one, rest, one] };
      await db.repo.shipping.store(batch);
      await db.repo.shipping.store({ ...EMPTY_BATCH, failures: [{ ...one, count: 9 }] });
      await db.repo.shipping.store(batch);
      const { rows } = await db.pool.query(
        'SELECT * FROM vlaapi.quality_gate_failures WHERE customer_id = $1 ORDER BY failure_id',
        [one.customer_id],
      );
      const stored = [one, rest].map((row) => ({ ...row, timestamp: new Date(row.timestamp) }));
      expect(rows.map((row) => ({ ...row, count: Number(row.count) }))).toEqual(stored);
    });

    test('a batch that cannot be stored leaves nothing of itself behind', async () => {
      const good = inferenceRow();
      const bad = inferenceRow({ chunk_steps: 99 });
      await expect(db.repo.shipping.store({ ...EMPTY_BATCH, inferences: [good, bad] })).rejects.toThrow();
      expect(await storedLog(good.log_id)).toBeUndefined();
    });

    test('what JSON and text cannot hold does not stop the shipper: NaN, infinities, U+0000, quotes, emoji', async () => {
      const row = inferenceRow({
        instruction: 'put the "cube"\0 into \\x the 🥣 bowl',
        safety_score: Number.NaN,
        observation_age_ms: Number.POSITIVE_INFINITY,
        error_message: 'a\0b',
        status: 'error',
        action_vector: [],
        action_magnitude: null,
        chunk: new Uint8Array(),
        chunk_steps: 0,
      });
      expect(await db.repo.shipping.store({ ...EMPTY_BATCH, inferences: [row] })).toMatchObject({
        inserted: 1,
      });
      const stored = await storedLog(row.log_id);
      expect(stored).toMatchObject({
        instruction: 'put the "cube" into \\x the 🥣 bowl',
        safety_score: null,
        observation_age_ms: null,
        error_message: 'ab',
      });
    });

    test('an id that is none is refused as the data’s fault, and what is no number in a state is an empty element', async () => {
      const bad = inferenceRow({ request_id: 'none' });
      await expect(db.repo.shipping.store({ ...EMPTY_BATCH, inferences: [bad] })).rejects.toMatchObject({
        code: '22P02',
      });
      const row = inferenceRow({ state: [1, Number.NaN], observation_seq: -(2 ** 40) });
      await db.repo.shipping.store({ ...EMPTY_BATCH, inferences: [row, row] });
      expect(await storedLog(row.log_id)).toMatchObject({ state: [1, null], observation_seq: -(2 ** 40) });
    });

    test('one value among hundreds that needs the database to read it: all are stored, and sent again they are the same', async () => {
      const rows = Array.from({ length: 350 }, () => inferenceRow());
      const odd = inferenceRow({ base_tick: '7' as never });
      const batch = { ...EMPTY_BATCH, inferences: [...rows, odd] };
      expect(await db.repo.shipping.store(batch)).toMatchObject({ inserted: 351, repeated: 0, conflicts: [] });
      expect(await db.repo.shipping.store(batch)).toMatchObject({ inserted: 0, repeated: 351, conflicts: [] });
      expect(await storedLog(odd.log_id)).toMatchObject({ base_tick: 7 });
    });

    test('a row that the server refuses among hundreds leaves nothing, and the connection stores what comes next', async () => {
      const rows = Array.from({ length: 350 }, () => inferenceRow());
      const bad = inferenceRow({ robot_type: null as never });
      const refused = db.repo.shipping.store({ ...EMPTY_BATCH, inferences: [...rows, bad] });
      await expect(refused).rejects.toMatchObject({ code: '23502' });
      expect(await storedLog(rows[0]?.log_id ?? 0)).toBeUndefined();
      expect(await db.repo.shipping.store({ ...EMPTY_BATCH, inferences: rows })).toMatchObject({ inserted: 350 });
    });

    test('a session opens, resumes and closes in one row, and an open sent again does not reopen it', async () => {
      const open = sessionRow();
      const resumed = { ...open, epoch: 1 };
      const closed = {
        ...resumed,
        closed_at: '2026-11-06T11:00:00.000Z',
        reason: 'client',
        counters: { ticks: 600 },
      };
      const store = (sessions: ReturnType<typeof sessionRow>[]) => db.repo.shipping.store({ ...EMPTY_BATCH, sessions });
      await store([open, resumed]);
      await store([closed]);
      await store([open]);
      const { rows } = await db.pool.query('SELECT * FROM vlaapi.sessions WHERE session_id = $1', [open.session_id]);
      expect(rows).toHaveLength(1);
      expect(rows[0]).toMatchObject({
        epoch: 1,
        closed_at: new Date('2026-11-06T11:00:00.000Z'),
        close_reason: 'client',
        counters: { ticks: 600 },
        model_name: 'tabletop-v1',
        environment: { environment_type: 'lab' },
      });
    });

    test('an episode grows and ends in one row, whatever comes again', async () => {
      const running = episodeRow();
      const ended = { ...running, ended_at: '2026-11-06T10:00:09.000Z', ticks: 90, success: true, last_log_id: 30 };
      const store = (episodes: ReturnType<typeof episodeRow>[]) => db.repo.shipping.store({ ...EMPTY_BATCH, episodes });
      await store([running]);
      await store([ended]);
      await store([running]);
      const { rows } = await db.pool.query('SELECT * FROM vlaapi.episodes WHERE session_id = $1', [running.session_id]);
      expect(rows).toEqual([
        expect.objectContaining({
          ticks: 90,
          success: true,
          first_log_id: 1,
          last_log_id: 30,
          ended_at: new Date(ended.ended_at),
        }),
      ]);
    });

    test('an incident grows and closes in one row, whatever comes again', async () => {
      const opened = incidentRow();
      const worse = { ...opened, severity: 'high', violation_type: 'emergency', ticks: 9, worst_excess: null };
      const closed = { ...worse, ticks: 11, closed_at: '2026-11-06T10:00:06.000Z', sent_action: [0, 0, 1] };
      const store = (incidents: ReturnType<typeof incidentRow>[]) =>
        db.repo.shipping.store({ ...EMPTY_BATCH, incidents });
      await store([opened]);
      await store([worse, closed]);
      await store([opened, worse]);
      await store([closed]);
      const { rows } = await db.pool.query('SELECT * FROM vlaapi.safety_incidents WHERE incident_id = $1', [
        opened.incident_id,
      ]);
      expect(rows).toEqual([
        {
          ...closed,
          opened_at: new Date(closed.opened_at),
          last_violation_at: new Date(closed.last_violation_at),
          closed_at: new Date(closed.closed_at),
          log_timestamp: new Date(closed.log_timestamp ?? ''),
        },
      ]);
    });

    test('an incident of another customer under the same id changes nothing', async () => {
      const mine = incidentRow();
      await db.repo.shipping.store({ ...EMPTY_BATCH, incidents: [mine] });
      const theirs = incidentRow({ incident_id: mine.incident_id, severity: 'critical', ticks: 99 });
      await db.repo.shipping.store({ ...EMPTY_BATCH, incidents: [theirs] });
      expect(await db.repo.incidents.ofCustomer(mine.customer_id, { count: 9 })).toMatchObject([
        { severity: 'medium', customer_id: mine.customer_id },
      ]);
      expect(await db.repo.incidents.ofCustomer(theirs.customer_id, { count: 9 })).toEqual([]);
    });

    test('what was no number in an action is an empty element, and an incident may have no action at all', async () => {
      const row = incidentRow({ proposed_action: [Number.NaN, Number.POSITIVE_INFINITY, 1], sent_action: null });
      await db.repo.shipping.store({ ...EMPTY_BATCH, incidents: [row] });
      expect(await db.repo.incidents.ofCustomer(row.customer_id, { count: 1 })).toMatchObject([
        { proposed_action: [null, null, 1], sent_action: null },
      ]);
    });

    test.each([
      ['severity', { severity: 'harmless' }],
      ['violation type', { violation_type: 'mood' }],
      ['list of violation types', { violation_types: ['workspace', 'mood'] }],
      ['action taken', { action_taken: 'shrugged' }],
      ['excess', { worst_excess: 2 }],
      ['log without its time', { log_timestamp: null }],
      ['end before its beginning', { closed_at: '2026-11-06T09:00:00.000Z' }],
    ])('an incident with an unheard-of %s is refused', async (_what, overrides) => {
      const stored = db.repo.shipping.store({ ...EMPTY_BATCH, incidents: [incidentRow(overrides)] });
      await expect(stored).rejects.toMatchObject({ code: '23514' });
    });

    test('a customer’s newest incidents come first, one robot’s where asked, and nobody else’s', async () => {
      const customer_id = incidentRow().customer_id;
      const at = (second: number, robot_id: string) => {
        const time = `2026-11-06T10:00:0${second}.000Z`;
        return incidentRow({ customer_id, robot_id, opened_at: time, last_violation_at: time });
      };
      const rows = [at(1, 'a'), at(2, 'b'), at(3, 'a')];
      await db.repo.shipping.store({ ...EMPTY_BATCH, incidents: [...rows, incidentRow()] });
      const ids = async (count: number, robotId?: string) =>
        (await db.repo.incidents.ofCustomer(customer_id, { count, ...(robotId === undefined ? {} : { robotId }) })).map(
          ({ incident_id }) => rows.findIndex((row) => row.incident_id === incident_id),
        );
      expect(await ids(9)).toEqual([2, 1, 0]);
      expect(await ids(2)).toEqual([2, 1]);
      expect(await ids(9, 'a')).toEqual([2, 0]);
    });

    test('an inference of which a step was held is safety_rejected, also where its row came long before', async () => {
      const [held, untouched, failed] = [inferenceRow(), inferenceRow(), inferenceRow({ status: 'error' })];
      await db.repo.shipping.store({ ...EMPTY_BATCH, inferences: [held, untouched, failed] });
      const heldOf = ({ log_id, timestamp, customer_id }: typeof held) => ({ log_id, timestamp, customer_id });
      const foreign = { ...heldOf(untouched), customer_id: held.customer_id };
      const marks = { ...EMPTY_BATCH, held: [heldOf(held), heldOf(failed), foreign] };
      await db.repo.shipping.store(marks);
      await db.repo.shipping.store({ ...marks, inferences: [held] });
      expect((await storedLog(held.log_id))?.status).toBe('safety_rejected');
      expect((await storedLog(untouched.log_id))?.status).toBe('ok');
      expect((await storedLog(failed.log_id))?.status).toBe('error');
    });

    test('the newest logs come first', async () => {
      const rows = [0, 1, 2].map((i) => inferenceRow({ timestamp: `2090-01-01T00:00:0${i}.000Z` }));
      await db.repo.shipping.store({ ...EMPTY_BATCH, inferences: [...rows].reverse() });
      const newestFirst = rows.map((row) => row.log_id).reverse();
      expect((await db.repo.logs.last(3)).map((row) => row.log_id)).toEqual(newestFirst);
    });
  });
}
