import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type Action, encodeServerMessage, type Hold } from './index.js';
import { SERVER_EXAMPLES } from './testing/messages.js';
import { TickFrames } from './tick-frames.js';
import { HOLD_PRIORITY } from './vocabulary.js';

const number = fc.oneof(
  fc.double(),
  fc.maxSafeInteger(),
  fc.constantFrom(0, -0, 1, 127, 128, 65_536, 2 ** 32, -1, -33),
);
const values = fc.array(number, { maxLength: 40 }).map((entries) => Float64Array.from(entries));
const latency = fc.record({ queue_ms: number, inference_ms: number, total_ms: number });
const safety = fc.record({
  score: number,
  checks_passed: fc.nat(4),
  flags: fc.array(fc.constantFrom('velocity', 'workspace', 'policy_collision'), { maxLength: 20 }),
  clamped: fc.boolean(),
});
const action: fc.Arbitrary<Action> = fc.record({
  type: fc.constant('action' as const),
  seq: fc.maxSafeNat(),
  observation_seq: fc.maxSafeNat(),
  values,
  age_ms: number,
  safety,
  latency,
  log_id: fc.maxSafeNat(),
});
const hold: fc.Arbitrary<Hold> = fc.record({
  type: fc.constant('hold' as const),
  seq: fc.maxSafeNat(),
  reason: fc.constantFrom(...HOLD_PRIORITY),
  values,
});

const frames = new TickFrames();

it('[W0] actions and holds are the bytes that every other message is made of', () => {
  fc.assert(
    fc.property(fc.oneof(action, hold), (message) => {
      const bytes = message.type === 'action' ? frames.action(message) : frames.hold(message);
      expect([...bytes]).toEqual([...encodeServerMessage(message)]);
    }),
    { numRuns: 500 },
  );
  expect(frames.action(SERVER_EXAMPLES.action as Action)).toEqual(
    encodeServerMessage(SERVER_EXAMPLES.action as Action),
  );
});

it('a message that outgrows the buffer is whole, and so are the ones after it', () => {
  const large = new Float64Array(10_000).fill(0.5);
  for (const entries of [Float64Array.of(1), large, Float64Array.of(2, 3), large, Float64Array.of(1)]) {
    const message: Hold = { type: 'hold', seq: 1, reason: 'starved', values: entries };
    expect(Buffer.from(frames.hold(message)).equals(encodeServerMessage(message))).toBe(true);
  }
});
