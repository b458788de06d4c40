import type { JournalEntry, JournalRecord, SessionRecord } from '@sinew/journal';
import { LogIds, logIdTimeMs } from '@sinew/journal';
import { describe, expect, it } from 'vitest';
import { RecordMapper } from './record-mapper.js';
import { close, incident, inference, open, rejected, reset, SESSION, START_MS, ticks } from './test-records.js';

function entries(records: readonly JournalRecord[], writer_id = 'w1'): JournalEntry[] {
  return records.map((record, index) => ({ record, next: { segment: 1, offset: index + 1 }, bytes: 1, writer_id }));
}

function map(records: readonly JournalRecord[], mapper = new RecordMapper(null)) {
  for (const entry of entries(records)) mapper.add(entry);
  return mapper.take();
}

describe('RecordMapper', () => {
  it('an inference becomes a row whose time is its id’s, with the chunk’s first entry as its action', () => {
    const log_id = new LogIds(3).next(START_MS);
    // Odd alignment, as a view into a larger buffer has it.
    const chunk = new Uint8Array(17).subarray(1);
    new DataView(chunk.buffer, chunk.byteOffset).setFloat32(0, 3, true);
    new DataView(chunk.buffer, chunk.byteOffset).setFloat32(4, -4, true);
    const { inferences } = map([
      inference({ log_id, chunk, shape: [2, 2], queue_ms: 1, inference_ms: 5, total_ms: 8 }),
    ]);
    expect(inferences).toHaveLength(1);
    expect(inferences[0]).toMatchObject({
      log_id,
      timestamp: new Date(logIdTimeMs(log_id)).toISOString(),
      action_vector: [3, -4],
      action_magnitude: 5,
      chunk_steps: 2,
      action_dim: 2,
      inference_latency_ms: 8,
      queue_wait_ms: 1,
      gpu_compute_ms: 5,
      instruction_category: 'pick_and_place',
      error_message: null,
    });
  });

  it('an inference without an answer has no action, a REST inference no session', () => {
    const { inferences, episodes } = map([
      inference({ chunk: new Uint8Array(0), shape: [0, 7], status: 'error', error: 'model', session_id: null }),
    ]);
    expect(inferences[0]).toMatchObject({ action_vector: [], action_magnitude: null, error_message: 'model' });
    expect(inferences[0]).toMatchObject({ session_id: null, episode: null });
    expect(episodes).toEqual([]);
  });

  it('a session opens, resumes and closes as one row', () => {
    const { sessions } = map([open(), { ...open(), event: 'resume', epoch: 2, t_ms: START_MS + 10 }, close()]);
    expect(sessions).toEqual([
      expect.objectContaining({
        session_id: SESSION,
        epoch: 1,
        opened_at: new Date(START_MS).toISOString(),
        closed_at: new Date(START_MS + 9_000).toISOString(),
        reason: 'client',
        counters: { ticks: 3 },
        limits: { v: 0.25 },
      }),
    ]);
  });

  it('a reset ends an episode with its outcome, a close ends the last one without', () => {
    const { episodes } = map([
      open(),
      inference({ log_id: 10, t_ms: START_MS + 100 }),
      ticks([0, 1, 2], { t_ms: START_MS + 1_000 }),
      inference({ log_id: 11, t_ms: START_MS + 1_100 }),
      reset(0, true, START_MS + 2_000),
      ticks([5, 6], { episode: 1, t_ms: START_MS + 3_000 }),
      close(),
    ]);
    expect(episodes).toEqual([
      {
        session_id: SESSION,
        episode: 0,
        customer_id: open().customer_id,
        robot_id: 'arm-1',
        instruction: 'put the red cube on the plate',
        started_at: new Date(START_MS + 100).toISOString(),
        ended_at: new Date(START_MS + 2_000).toISOString(),
        ticks: 3,
        success: true,
        first_log_id: 10,
        last_log_id: 11,
      },
      expect.objectContaining({
        episode: 1,
        started_at: new Date(START_MS + 2_000).toISOString(),
        ended_at: new Date(START_MS + 9_000).toISOString(),
        ticks: 2,
        success: null,
        first_log_id: null,
      }),
    ]);
  });

  it('a record that stands twice in the journal counts once', () => {
    const once = [
      open(),
      inference({ log_id: 10 }),
      ticks([0, 1]),
      reset(0, false),
      ticks([2], { episode: 1 }),
      close(),
    ];
    const twice: JournalRecord[] = [open(), inference({ log_id: 10 }), ticks([0, 1]), ticks([0, 1])];
    twice.push(reset(0, false), reset(0, true), ticks([0, 1]), ticks([2], { episode: 1 }), close());
    expect(map(twice).episodes).toEqual(map(once).episodes);
  });

  it('an episode whose reset was lost ends where the next one begins', () => {
    const { episodes } = map([open(), ticks([0]), ticks([1], { episode: 1, t_ms: START_MS + 500 })]);
    expect(episodes.map(({ episode, ended_at, success }) => [episode, ended_at, success])).toEqual([
      [0, new Date(START_MS + 500).toISOString(), null],
      [1, null, null],
    ]);
  });

  it('an instruction changed on the way is the episode’s', () => {
    const change: JournalRecord = { ...reset(0, null), event: 'instruction', data: { instruction: 'push the cube' } };
    const { episodes } = map([open(), ticks([0]), change, close()]);
    expect(episodes[0]?.instruction).toBe('push the cube');
  });

  it('[S7] the sessions of a gateway that was killed end when the next one takes over', () => {
    const mapper = new RecordMapper(null);
    map([open(), ticks([0], { t_ms: START_MS + 700 })], mapper);
    mapper.writer('w2');
    const { sessions, episodes } = mapper.take();
    const ended = new Date(START_MS + 700).toISOString();
    expect(sessions).toMatchObject([{ session_id: SESSION, closed_at: ended, reason: 'gateway_lost' }]);
    expect(episodes).toMatchObject([{ episode: 0, ended_at: ended, success: null, ticks: 1 }]);
    expect(mapper.openSessions).toBe(0);
  });

  it('a session lost in the batch that opened it keeps its limits', () => {
    const mapper = new RecordMapper(null);
    for (const entry of entries([open()])) mapper.add(entry);
    mapper.writer('w2');
    expect(mapper.take().sessions).toMatchObject([{ reason: 'gateway_lost', limits: { v: 0.25 } }]);
  });

  it('goes on from its saved state as if it had never stopped', () => {
    const records: JournalRecord[] = [open(), inference({ log_id: 10 }), ticks([0, 1, 2]), reset(0, true)];
    records.push(ticks([3], { episode: 1 }), inference({ log_id: 12, episode: 1 }), close());
    const whole = map(records);
    for (let cut = 0; cut <= records.length; cut++) {
      const first = new RecordMapper(null);
      const before = map(records.slice(0, cut), first);
      const second = new RecordMapper(JSON.parse(JSON.stringify(first.state())));
      const after = map(records.slice(cut), second);
      const last = new Map([...before.episodes, ...after.episodes].map((row) => [row.episode, row]));
      expect([...last.values()]).toEqual(whole.episodes);
      expect([...before.inferences, ...after.inferences]).toEqual(whole.inferences);
    }
  });

  it('records of a session that it never saw open are rows of their own, and its close tells the rest', () => {
    const { inferences, sessions, episodes } = map([inference({ log_id: 5 }), close() as SessionRecord]);
    expect(inferences).toHaveLength(1);
    expect(sessions).toMatchObject([{ session_id: SESSION, reason: 'client' }]);
    expect(episodes).toEqual([]);
  });

  it('an incident is one row a batch, the last one told, with the time of its log', () => {
    const log_id = new LogIds(3).next(START_MS);
    const closed_ms = START_MS + 6_000;
    const { incidents } = map([incident(), incident({ severity: 'high', closed_ms, log_id, ticks: 9 })]);
    expect(incidents).toEqual([
      expect.objectContaining({
        session_id: SESSION,
        robot_id: 'arm-1',
        episode: 0,
        severity: 'high',
        ticks: 9,
        opened_at: new Date(START_MS).toISOString(),
        closed_at: new Date(closed_ms).toISOString(),
        log_id,
        log_timestamp: new Date(logIdTimeMs(log_id)).toISOString(),
      }),
    ]);
  });

  it('an incident whose gateway died ends with its last violation, also over a restart of the shipper', () => {
    const before = new RecordMapper(null);
    expect(map([open(), incident()], before).incidents).toMatchObject([{ closed_at: null }]);
    const after = new RecordMapper(JSON.parse(JSON.stringify(before.state())));
    after.writer('w2');
    expect(after.take().incidents).toMatchObject([{ closed_at: new Date(START_MS + 100).toISOString(), ticks: 2 }]);
    after.writer('w3');
    expect(after.take().incidents).toEqual([]);
  });

  it('a closed incident is not closed again when its gateway goes', () => {
    const mapper = new RecordMapper(null);
    map([incident(), incident({ closed_ms: START_MS + 6_000 })], mapper);
    mapper.writer('w2');
    expect(mapper.take().incidents).toEqual([]);
  });

  it('a step that was held for safety names its inference, once; other holds name none', () => {
    const [one, two] = [new LogIds(0).next(START_MS), new LogIds(0).next(START_MS + 5)];
    const kinds = [0, 3, 3, 5, 3, 1];
    const { held } = map([open(), ticks([1, 2, 3, 4, 5, 6], { kinds, log_ids: [one, one, one, two, 0, two] })]);
    expect(held).toEqual([
      { log_id: one, timestamp: new Date(logIdTimeMs(one)).toISOString(), customer_id: open().customer_id },
    ]);
  });

  it('what was refused is a row under the words of its rule, not under the client’s', () => {
    const rest = rejected({ source: 'rest', robot_type: null, rule: 'no.such_rule' }, { session_id: null });
    const { failures } = map([open(), rejected(), rest]);
    expect(failures).toEqual([
      {
        failure_id: rejected().data.failure_id,
        customer_id: open().customer_id,
        session_id: SESSION,
        robot_type: 'franka_panda',
        field: 'image',
        reason: 'wrong_size',
        rule: 'image.wrong_size',
        count: 7,
        timestamp: new Date(START_MS).toISOString(),
        source: 'stream',
      },
      expect.objectContaining({ session_id: null, robot_type: null, field: 'images.main', source: 'rest' }),
    ]);
  });

  it('a record from before refusals had a name of their own makes no row', () => {
    const { failure_id: _, ...data } = rejected().data;
    expect(map([open(), { ...rejected(), data }]).failures).toEqual([]);
  });

  it.each([
    ['latency.inconsistent', { total_ms: 2, inference_ms: 5 }],
    ['chunk.wrong_shape', { shape: [3, 2] as const }],
    ['safety_score.out_of_range', { safety_score: 1.5 }],
    ['latency.inconsistent', { queue_ms: Number.NaN }],
  ])('a record that breaks %s becomes no row and changes nothing', (rule, broken) => {
    const mapper = new RecordMapper(null);
    expect(() => map([inference(broken)], mapper)).toThrow(rule);
    expect(mapper.take().inferences).toEqual([]);
  });

  it('a chunk that the governor refused whole is safety_rejected', () => {
    expect(map([inference({ status: 'rejected' })]).inferences).toMatchObject([{ status: 'safety_rejected' }]);
  });
});
