import fc from 'fast-check';
import { expect, test } from 'vitest';
import { borrowEncoded, decodeMap } from './codec.js';
import type { TicksRecord } from './records.js';
import { encodeTicks, isComplete } from './ticks-encoder.js';

const real = fc.double({ noNaN: true });
const count = fc.nat(Number.MAX_SAFE_INTEGER);
const column = (entry: fc.Arbitrary<number>) => fc.array(entry, { maxLength: 40 });
const bytes = fc.uint8Array({ maxLength: 3_000 });

const anyTicks: fc.Arbitrary<TicksRecord> = fc.record({
  v: fc.constant(1 as const),
  kind: fc.constant('ticks' as const),
  log_id: fc.constant(null),
  session_id: fc.uuid(),
  customer_id: fc.uuid(),
  t_ms: real,
  episode: count,
  part: count,
  dt_ms: real,
  dim: fc.nat(20),
  seq: column(fc.integer()),
  log_ids: column(count),
  flags: column(fc.nat()),
  score: column(real),
  kinds: column(fc.nat(7)),
  causes: column(fc.nat(7)),
  proposed: bytes,
  sent: bytes,
  inputs: fc.record({
    at: column(count),
    before: column(fc.integer()),
    log_ids: column(fc.integer({ min: -5 })),
    base_tick: column(fc.integer()),
    state_dim: fc.nat(256),
    state: bytes,
  }),
});

test('ticks decode to what the general encoder would have made of them', () => {
  fc.assert(
    fc.property(anyTicks, (record) => {
      if (!isComplete(record)) throw new Error('has every column');
      const general = decodeMap(Buffer.from(borrowEncoded(record)));
      const decoded = decodeMap(Buffer.from(encodeTicks(record)));
      expect(Object.keys(decoded ?? {})).toEqual(Object.keys(general ?? {}));
      // -0 of a double is written as what it is here; msgpackr makes it 0.
      expect(plus(decoded)).toEqual(plus(general));
    }),
  );
});

test('ticks without their inputs, or erased, are left to the general encoder', () => {
  const [record] = fc.sample(anyTicks, 1);
  if (record === undefined) throw new Error('no sample');
  const { inputs: _, ...old } = record;
  expect([isComplete(record), isComplete(old), isComplete({ ...record, erased: true })]).toEqual([true, false, false]);
});

const plus = (record: Record<string, unknown> | null): unknown =>
  JSON.parse(JSON.stringify(record, (_, value) => (Object.is(value, -0) ? 0 : value)));
