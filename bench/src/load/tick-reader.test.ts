import { encodeServerMessage, HOLD_PRIORITY, type ServerMessage } from '@sinew/protocol';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { TickReader } from './tick-reader.js';

const reader = new TickReader();
const count = fc.oneof(fc.nat(300), fc.nat(70_000), fc.maxSafeNat());
const ms = fc.double({ min: 0, max: 1e6, noNaN: true });

function read(message: ServerMessage) {
  // In the middle of other bytes, as in a socket's buffer.
  const bytes = Buffer.concat([Buffer.alloc(3, 0xc1), encodeServerMessage(message), Buffer.alloc(3, 0xc1)]);
  return { ...reader.read(bytes, 3) };
}

test('of any action it reads what the encoder wrote', () => {
  fc.assert(
    fc.property(
      fc.record({ seq: count, observation_seq: count, log_id: count, age_ms: ms, total_ms: ms }),
      fc.array(fc.double({ noNaN: true }), { maxLength: 40 }),
      fc.array(fc.constantFrom('velocity', 'workspace', 'a flag of a newer server, longer than thirty-one bytes')),
      ({ total_ms, ...numbers }, values, flags) => {
        const frame = read({
          type: 'action',
          ...numbers,
          values: Float64Array.from(values),
          safety: { score: 0.5, checks_passed: 3, flags: flags as never[], clamped: flags.length > 0 },
          latency: { queue_ms: 1, inference_ms: 2, total_ms },
        });
        expect(frame).toMatchObject({
          kind: 'action',
          seq: numbers.seq,
          observationSeq: numbers.observation_seq,
          logId: numbers.log_id,
          ageMs: numbers.age_ms,
          totalMs: total_ms,
        });
      },
    ),
  );
});

test('of a hold it reads tick and reason', () => {
  for (const reason of HOLD_PRIORITY) {
    expect(read({ type: 'hold', seq: 7, reason, values: new Float64Array(7) })).toMatchObject({
      kind: 'hold',
      seq: 7,
      reason,
    });
  }
});

test('everything else is left to a full decoder', () => {
  expect(read({ type: 'notice', code: 'clock_jump', message: 'x'.repeat(70_000).slice(0, 300) }).kind).toBe('other');
  expect(read({ type: 'pong', sent_at_ms: 1, received_at_ms: 2.5, server_time_ms: 3 }).kind).toBe('other');
});

test('bytes that are no map end in an error, not in numbers', () => {
  expect(() => reader.read(Buffer.of(0x01), 0)).toThrow(RangeError);
  expect(() => reader.read(Buffer.of(0x81, 0xa3, 0x73), 0)).toThrow(RangeError);
});
