import fc from 'fast-check';
import { expect, test } from 'vitest';
import { borrowEncoded, decodeMap } from './codec.js';
import { inference } from './fixtures.js';
import { decodeInference } from './inference-decoder.js';
import { encodeInference, isPlain } from './inference-encoder.js';
import type { InferenceRecord } from './records.js';

const real = fc.double({ noNaN: true });
const count = fc.nat(Number.MAX_SAFE_INTEGER);
const text = fc.string({ unit: 'binary', maxLength: 300 });
const anyInference: fc.Arbitrary<InferenceRecord> = fc
  .record({
    log_id: count,
    t_ms: real,
    session_id: fc.uuid(),
    customer_id: fc.uuid(),
    request_id: fc.uuid(),
    robot_id: text,
    instruction: text,
    observation_seq: count,
    base_tick: fc.integer(),
    state: fc.array(real, { maxLength: 40 }),
    image_shape: fc.array(fc.nat(), { maxLength: 3 }),
    chunk: fc.uint8Array({ maxLength: 2_000 }),
    total_ms: real,
    status: fc.constantFrom('ok', 'rejected', 'error', 'expired'),
    safety_score: fc.double({ min: 0, max: 1, noNaN: true }),
    safety_flags: fc.array(text, { maxLength: 6 }),
  })
  .map((fields) => inference(fields.log_id, fields as Partial<InferenceRecord>));

test('an inference decodes to what the general encoder would have made of it', () => {
  fc.assert(
    fc.property(anyInference, (record) => {
      const general = decodeMap(Buffer.from(borrowEncoded(record)));
      const decoded = decodeMap(Buffer.from(encodeInference(record)));
      expect(Object.keys(decoded ?? {})).toEqual(Object.keys(general ?? {}));
      // -0 of a double is written as what it is here; msgpackr makes it 0.
      expect(plus(decoded)).toEqual(plus(general));
    }),
  );
});

test('an inference is decoded in one pass to what the general decoder makes of it', () => {
  fc.assert(
    fc.property(fc.array(anyInference, { minLength: 1, maxLength: 4 }), (records) => {
      // Together: texts that come again are shared.
      const decoded = records.map((record) => {
        const window = Buffer.from(encodeInference(record));
        const found = decodeInference(window);
        const general = decodeMap(Buffer.from(window));
        // A record that was handed out is not what the window's next content is.
        window.fill(0xff);
        return { found, general };
      });
      for (const { found, general } of decoded) expect(found).toEqual(general);
    }),
  );
});

test('whatever else stands there is left to the general decoder, or read as by it', () => {
  fc.assert(
    fc.property(anyInference, fc.nat(), fc.integer({ min: 0, max: 255 }), (record, place, byte) => {
      const bytes = Buffer.from(encodeInference(record));
      const changed = Buffer.from(bytes);
      changed[place % bytes.length] = byte;
      const found = decodeInference(changed);
      const general = decodeMap(changed);
      // Text that is no UTF-8 any more: decoders differ in what they put in its place.
      if (found !== null && !JSON.stringify([found, general]).includes('\ufffd')) expect(found).toEqual(general);
      expect(decodeInference(bytes.subarray(0, place % bytes.length))).toBeNull();
      expect(decodeInference(Buffer.concat([bytes, Buffer.of(byte)]))).toBeNull();
    }),
    { numRuns: 1_000 },
  );
  for (const other of [{ error: 'out of memory' }, { session_id: null }])
    expect(decodeInference(Buffer.from(borrowEncoded(inference(1, other))))).toBeNull();
});

test('an inference with an error, a plan or no session is left to the general encoder', () => {
  expect(isPlain(inference(1))).toBe(true);
  expect(isPlain(inference(1, { error: 'out of memory' }))).toBe(false);
  expect(isPlain(inference(1, { session_id: null }))).toBe(false);
});

const plus = (record: Record<string, unknown> | null): unknown =>
  JSON.parse(JSON.stringify(record, (_, value) => (Object.is(value, -0) ? 0 : value)));
