import fc from 'fast-check';
import { pack } from 'msgpackr';
import { describe, expect, it } from 'vitest';
import { decodeObservation } from './decode-observation.js';
import { encodeClientMessage } from './encode.js';
import { readFrameBorrow } from './frame-reader.js';
import { readObservation } from './read-observation.js';

/** What the general decoder makes of a frame: the observation, or null. */
function general(bytes: Uint8Array): unknown {
  const map = readFrameBorrow(bytes);
  if (typeof map === 'string' || map.type !== 'observation') return null;
  const result = decodeObservation(map);
  return result.ok ? result.message : null;
}

const plain = (value: unknown): unknown =>
  JSON.parse(
    JSON.stringify(value, (_key, entry) =>
      ArrayBuffer.isView(entry)
        ? { bytes: [...(entry as Uint8Array)].map((n) => (Object.is(n, -0) ? '-0' : n)) }
        : entry,
    ),
  );

/** The short way may leave a frame to the general decoder, but must never answer otherwise than it. */
function agree(bytes: Uint8Array): boolean {
  const short = readObservation(bytes);
  if (short === null) return false;
  expect(plain(short)).toEqual(plain(general(bytes)));
  return true;
}

const number = fc.oneof(
  fc.double({ noNaN: true, min: -1e15, max: 1e15 }),
  fc.integer(),
  fc.maxSafeInteger(),
  fc.constantFrom(
    0,
    -0,
    127,
    128,
    255,
    256,
    65_535,
    65_536,
    2 ** 32 - 1,
    2 ** 32,
    2 ** 53 - 1,
    -1,
    -32,
    -33,
    -129,
    -32_769,
  ),
);
const count = fc.oneof(fc.maxSafeNat(), fc.nat(300));
const name = fc.oneof(
  fc.constantFrom('main', 'wrist', '__proto__', 'constructor', 'toString', '', 'ü', 'x'.repeat(31), 'x'.repeat(32)),
  fc.string({ maxLength: 8 }),
);
const usual = {
  type: fc.constant('observation'),
  seq: count,
  captured_at_ms: number,
  images: fc.dictionary(fc.constantFrom('main', 'wrist', 'x'.repeat(31)), fc.uint8Array({ maxLength: 300 })),
  state: fc.oneof(fc.array(number, { maxLength: 20 }), fc.uint8Array({ maxLength: 28 })),
  applied_seq: count,
};
const unusual = {
  ...usual,
  type: fc.constantFrom('observation', 'observation', 'ping', 'observatiom'),
  seq: fc.oneof(count, number),
  images: fc.dictionary(name, fc.uint8Array({ maxLength: 300 }), { maxKeys: 3 }),
  applied_seq: fc.oneof(count, number, fc.constant(null)),
  instruction: fc.constantFrom('left', ''),
  extra: fc.anything({ maxDepth: 1 }),
};
const requiredKeys = ['type', 'seq', 'captured_at_ms', 'images', 'state'] as const;
const observation = fc.oneof(
  fc.record(usual, { requiredKeys: [...requiredKeys] }),
  fc.record(unusual, { requiredKeys: [...requiredKeys] }),
);

describe('the short way for observations', () => {
  it('[W5][W6] reads what the SDK and other encoders send exactly as the general decoder does', () => {
    let short = 0;
    fc.assert(
      fc.property(observation, (map) => {
        let bytes: Uint8Array;
        try {
          bytes = Uint8Array.from(pack(map));
        } catch {
          return;
        }
        if (agree(bytes)) short++;
      }),
      { numRuns: 2_000 },
    );
    expect(short).toBeGreaterThan(300);
  });

  it('[W6] answers no frame otherwise than the general decoder, whatever was done to its bytes', () => {
    const good = encodeClientMessage({
      type: 'observation',
      seq: 70_000,
      captured_at_ms: 1_763_000_000_123.5,
      images: { main: { kind: 'encoded', data: Uint8Array.of(1, 2, 3) } },
      state: Float64Array.of(0.5, -0.25, 1, 0, -0, 0.1, 1),
      applied_seq: 300,
    });
    expect(agree(good)).toBe(true);
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { maxLength: 3 }),
        fc.option(fc.nat(good.length)),
        fc.uint8Array({ maxLength: 2 }),
        (changes, cut, tail) => {
          const bytes = Uint8Array.from([...good.subarray(0, cut ?? good.length), ...tail]);
          for (const [index, value] of changes) if (index < bytes.length) bytes[index] = value;
          agree(bytes);
        },
      ),
      { numRuns: 5_000 },
    );
  });

  it('[W5] takes the short way for every frame that the SDK sends without an instruction', () => {
    fc.assert(
      fc.property(
        fc.record({
          seq: count,
          captured: number,
          state: fc.array(number, { maxLength: 256 }),
          applied: fc.option(count),
        }),
        ({ seq, captured, state, applied }) => {
          const bytes = encodeClientMessage({
            type: 'observation',
            seq,
            captured_at_ms: captured,
            images: {
              main: { kind: 'encoded', data: new Uint8Array(70_000) },
              wrist: { kind: 'encoded', data: new Uint8Array(9) },
            },
            state: Float64Array.from(state),
            ...(applied === null ? {} : { applied_seq: applied }),
          });
          const result = readObservation(bytes);
          expect(result).toMatchObject({ seq, state: Float64Array.from(state) });
          expect(result?.images.main?.data.length).toBe(70_000);
        },
      ),
      { numRuns: 100 },
    );
  });
});
