import type { ErasedRecord, JournalRecord, SessionRecord, TicksRecord } from '@sinew/journal';
import { expect, test } from 'vitest';
import { JournalReplay, type SessionReport } from './journal-replay.js';
import type { ReplayedTick } from './replayed-tick.js';
import type { OtherSettings } from './settings.js';
import { recordedSession, SESSION } from './testing/recorded-session.js';

function replay(records: readonly JournalRecord[], other: OtherSettings = {}, session: string | null = null) {
  const ticks: ReplayedTick[] = [];
  const engine = new JournalReplay({ session, other, onTick: (_, tick) => ticks.push(tick) });
  for (const record of records) engine.add(record);
  return { ticks, reports: engine.reports, report: engine.reports[0] as SessionReport };
}

const isTicks = (record: JournalRecord): record is TicksRecord => record.kind === 'ticks';

/** The records with one of their ticks records changed. */
const changed = (records: JournalRecord[], index: number, change: (record: TicksRecord) => TicksRecord) => {
  const target = records.filter(isTicks)[index];
  return records.map((record) => (record === target ? change(target as TicksRecord) : record));
};

test('[SAFE-T7] what was recorded is computed again, bit for bit, holds and flags included', () => {
  const { report, ticks } = replay(recordedSession());
  expect(report).toMatchObject({ ticks: 40, differing: 0, first: null, largest: null, incomplete: null });
  expect(report.holds).toBeGreaterThanOrEqual(3);
  expect(report.flags.velocity?.replayed).toBe(report.flags.velocity?.recorded);
  expect(report.flags.velocity?.recorded).toBeGreaterThan(0);
  expect(ticks.map(({ n }) => n)).toEqual(Array.from({ length: 40 }, (_, n) => n));
});

test('[SAFE-T7] where holds age no chunk that is journaled, and computed again', () => {
  const rare = { every: 12, late: 2 };
  const records = recordedSession(60, { holdsAgeNothing: true, execute: 8 }, rare);
  expect(replay(records).report).toMatchObject({ ticks: 60, differing: 0, incomplete: null });
  const [open, ...others] = records as [SessionRecord, ...JournalRecord[]];
  const { holdsAgeNothing: _, ...control } = open.control as Record<string, unknown>;
  expect(replay([{ ...open, control }, ...others]).report.differing).toBeGreaterThan(0);
});

test('one bit of one number that was sent is found, and named', () => {
  const spoilt = changed(recordedSession(), 1, (record) => {
    const sent = record.sent.slice();
    // Tick 12, entry 1: row 2 of the second record.
    sent[(2 * 7 + 1) * 8] = (sent[(2 * 7 + 1) * 8] ?? 0) ^ 1;
    return { ...record, sent };
  });
  const { report, ticks } = replay(spoilt);
  expect(report).toMatchObject({ differing: 1, differing_sent: 1, incomplete: null });
  expect(report.first).toMatchObject({ n: 12, stage: 'sent', index: 1 });
  expect(report.largest?.n).toBe(12);
  expect(ticks.filter(({ difference }) => difference !== null)).toHaveLength(1);
});

test('what was sent may be the same and its flags not', () => {
  const spoilt = changed(recordedSession(), 0, (record) => ({ ...record, flags: record.flags.map((f) => f ^ 2) }));
  const { report } = replay(spoilt);
  expect(report).toMatchObject({ differing: 10, differing_sent: 0, largest: null });
  expect(report.first).toMatchObject({ n: 0, stage: 'flags' });
});

test('zero and minus zero are not the same number', () => {
  const spoilt = changed(recordedSession(), 2, (record) => {
    const sent = new Float64Array(record.sent.slice().buffer);
    const zero = sent.findIndex((value) => Object.is(value, 0));
    expect(zero).toBeGreaterThanOrEqual(0);
    sent[zero] = -0;
    return { ...record, sent: new Uint8Array(sent.buffer) };
  });
  expect(replay(spoilt).report.differing).toBe(1);
});

test('a record that stands twice in the journal counts once, also after the session’s end', () => {
  const records = recordedSession();
  const twice = records.flatMap((record) => [record, record]);
  expect(replay(twice).reports).toEqual([replay(records).report]);
  expect(replay([...records, ...records]).reports).toEqual([replay(records).report]);
});

test('a journal that lacks something says what, and calls nothing a difference', () => {
  const records = recordedSession();
  const lost = replay(records.filter((record) => record !== records.filter(isTicks)[1]));
  expect(lost.report).toMatchObject({ ticks: 10, differing: 0 });
  expect(lost.report.incomplete).toMatch(/1 records of ticks before this one are lost/);
  const chunk = replay(records.filter((record) => record.log_id !== 1_008));
  expect(chunk.report.incomplete).toMatch(/inference 1008 is not in the journal/);
  const headless = replay(records.slice(1));
  expect(headless.report).toMatchObject({ session_id: SESSION, ticks: 0 });
  expect(headless.report.incomplete).toMatch(/its beginning/);
});

test('a session whose data was erased says so, and is replayed up to there', () => {
  const records = recordedSession();
  const erased = ({ kind, log_id, t_ms, session_id, customer_id }: JournalRecord): ErasedRecord => ({
    v: 1,
    kind: 'erased',
    was: kind,
    log_id,
    t_ms,
    session_id,
    customer_id,
  });
  const second = records.filter(isTicks)[1];
  const part = replay(records.map((record) => (record === second ? erased(record) : record)));
  expect(part.report).toMatchObject({ ticks: 10, differing: 0 });
  expect(part.report.incomplete).toMatch(/erased/);
  const whole = replay(records.map((each) => (each.kind === 'session' ? { ...each, erased: true } : erased(each))));
  expect(whole.reports).toHaveLength(1);
  expect(whole.report).toMatchObject({ session_id: SESSION, ticks: 0 });
  expect(whole.report.incomplete).toMatch(/erased/);
  const pruned = replay(records.slice(1, -1).map(erased));
  expect(pruned.report.incomplete).toMatch(/erased/);
});

test('a gateway that was killed leaves the ticks that it had written', () => {
  const records = recordedSession().slice(0, -2);
  expect(replay(records).report).toMatchObject({ ticks: 30, differing: 0, incomplete: null });
});

test('only the session that was asked for', () => {
  expect(replay(recordedSession(), {}, 'another').reports).toEqual([]);
  expect(replay(recordedSession(), {}, SESSION).reports).toHaveLength(1);
});

test('other settings: tighter limits send slower, smoothing differs from what was blended, and each says where', () => {
  const records = recordedSession();
  const slow = replay(records, { limits: { v: 0.1 } });
  expect(slow.report.differing_sent).toBeGreaterThan(10);
  for (const { sent } of slow.ticks) expect(Math.hypot(...sent.slice(0, 3)) * 10).toBeLessThanOrEqual(0.1 * (1 + 1e-9));
  expect(slow.report.flags.velocity?.replayed).toBeGreaterThan(slow.report.flags.velocity?.recorded ?? 0);

  const smooth = replay(records, { smoothing: 'ema' });
  expect(smooth.report.differing_sent).toBeGreaterThan(10);
  expect(smooth.ticks.some(({ blended, smoothed }) => blended !== null && blended[0] !== smoothed[0])).toBe(true);

  expect(replay(records, { blend: 'weighted' }).report.differing_sent).toBeGreaterThan(0);
  expect(replay(records, { mode: 'full' }).report.flags.velocity?.replayed ?? 0).toBe(0);
});

test('a longer horizon leaves out the chunks that it would not have asked for', () => {
  const records = recordedSession();
  const refs = ({ ticks }: { ticks: ReplayedTick[] }) =>
    new Set(ticks.map(({ logId }) => logId).filter((id) => id > 0));
  expect(refs(replay(records, { execute: 8 })).size).toBeLessThan(refs(replay(records)).size);
});

test('settings that cannot be had are refused, by name', () => {
  const records = recordedSession();
  expect(() => replay(records, { limits: { v: 9 } })).toThrow(/limits\.v: 9 would loosen/);
  expect(() => replay(records, { execute: 9 })).toThrow(/execute/);
});

test('a second with many refused chunks, some without an entry, is all in the journal', () => {
  const refused = 100;
  const records = recordedSession();
  const inference = records.find((record) => record.kind === 'inference');
  const many = Array.from({ length: refused }, (_, i) => {
    return { ...inference, log_id: 1_000_000 + i, chunk: new Uint8Array(0), shape: [0, 7] } as JournalRecord;
  });
  const first = records.findIndex(isTicks);
  const spoilt = changed(records, 0, (record) => {
    const { inputs } = record;
    if (inputs === undefined) throw new Error('a record without inputs');
    const more = <T>(list: readonly T[], each: (i: number) => T): T[] => [...list, ...many.map((_, i) => each(i))];
    const states = new Uint8Array(refused * inputs.state_dim * 8);
    return {
      ...record,
      inputs: {
        ...inputs,
        at: more(inputs.at, () => record.seq.length),
        log_ids: more(inputs.log_ids, (i) => 1_000_000 + i),
        before: more(inputs.before, () => record.seq.length),
        base_tick: more(inputs.base_tick, () => record.seq.length),
        state: Uint8Array.from([...inputs.state, ...states]),
      },
    };
  });
  const { report } = replay([...spoilt.slice(0, first), ...many, ...spoilt.slice(first)]);
  expect(report.incomplete).toBeNull();
});
