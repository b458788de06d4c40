import fc from 'fast-check';
import { pack } from 'msgpackr';
import { describe, expect, it } from 'vitest';
import { checkObservation, decodeClientFrame, type Observation, type WireFault } from './index.js';
import { clientSchemas } from './schemas/client.js';
import { jpegHeader, MODEL } from './testing/messages.js';

const good = {
  type: 'observation',
  seq: 3,
  captured_at_ms: 12.5,
  images: { front: jpegHeader(96, 96) },
  state: [0, 1, 2, 3, 4, 5, 1],
};

function decode(map: unknown): Observation {
  const result = decodeClientFrame(Uint8Array.from(pack(map)));
  if (!result.ok) throw new Error(result.fault.message);
  if (result.message.type !== 'observation') throw new Error(result.message.type);
  return result.message;
}

/** The fault of decoding, or else of checking against the model. */
function judge(change: object, lastSeq = 2): WireFault | null {
  const result = decodeClientFrame(Uint8Array.from(pack({ ...good, ...change })));
  if (!result.ok) return result.fault;
  return checkObservation(result.message as Observation, MODEL, lastSeq);
}

describe('an observation', () => {
  it('[W5] that keeps every rule is accepted', () => {
    expect(judge({})).toBeNull();
    expect(
      judge({ images: { front: { data: new Uint8Array(64 * 64 * 3), shape: [64, 64, 3], encoding: 'rgb8' } } }),
    ).toBeNull();
    expect(judge({ instruction: 'now left', applied_seq: 0 })).toBeNull();
  });

  it('[W5] with a broken field is refused with that field, is not fatal, and carries its seq', () => {
    const cases: [object, string][] = [
      [{ captured_at_ms: 'now' }, 'captured_at_ms'],
      [{ captured_at_ms: Number.POSITIVE_INFINITY }, 'captured_at_ms'],
      [{ state: 'zero' }, 'state'],
      [{ state: [0, 1, 2, 3, 4, 5] }, 'state'],
      [{ state: [0, 1, 2, 3, 4, 5, Number.NaN] }, 'state'],
      [{ state: [0, 1, 2, 3, 4, 5, null] }, 'state'],
      [{ state: [0, 1, 2, 3, 4, 5, true] }, 'state'],
      [{ state: new Uint8Array(27) }, 'state'],
      [{ state: new Uint8Array(28).fill(0xff) }, 'state'],
      [{ images: [] }, 'images'],
      [{ images: {} }, 'images.front'],
      [{ images: { ...good.images, wrist: jpegHeader(96, 96) } }, 'images.wrist'],
      [{ images: { front: 'a.jpg' } }, 'images.front'],
      [{ images: { front: { data: new Uint8Array(4), shape: [64, 64, 3], encoding: 'rgb8' } } }, 'images.front'],
      [{ images: { front: { data: new Uint8Array(0), shape: [0, 0, 3], encoding: 'rgb8' } } }, 'images.front'],
      [{ images: { front: { data: new Uint8Array(64 * 64), shape: [64, 64, 1], encoding: 'rgb8' } } }, 'images.front'],
      [
        { images: { front: { data: new Uint8Array(64 * 64 * 3), shape: [64, 64, 3], encoding: 'bgr8' } } },
        'images.front',
      ],
      [{ images: { front: jpegHeader(96, 96, 3, 1023) } }, 'images.front'],
      [{ images: { front: jpegHeader(1, 1) } }, 'images.front'],
      [{ images: { front: jpegHeader(63, 96) } }, 'images.front'],
      [{ images: { front: jpegHeader(96, 2049) } }, 'images.front'],
      [{ images: { front: jpegHeader(65_500, 65_500) } }, 'images.front'],
      [{ images: { front: jpegHeader(96, 96, 1) } }, 'images.front'],
      [{ images: { front: new Uint8Array(5000) } }, 'images.front'],
      [{ applied_seq: -1 }, 'applied_seq'],
      [{ applied_seq: 0.5 }, 'applied_seq'],
      [{ instruction: '' }, 'instruction'],
      [{ instruction: 7 }, 'instruction'],
    ];
    for (const [change, field] of cases)
      expect(judge(change), JSON.stringify(change).slice(0, 80)).toMatchObject({
        code: 'validation_failed',
        fatal: false,
        field,
        observation_seq: 3,
      });
  });

  it('[W5] must have an integer seq from 0 that rises within the session', () => {
    for (const seq of [-1, 1.5, '3', null, Number.NaN])
      expect(judge({ seq }), String(seq)).toMatchObject({ field: 'seq', fatal: false });
    expect(judge({ seq: 3 }, 3)).toMatchObject({ field: 'seq', observation_seq: 3 });
    expect(judge({ seq: 2 }, 3)).toMatchObject({ field: 'seq' });
    expect(judge({ seq: 0 }, -1)).toBeNull();
  });

  it('[W5] may have a camera named like a property of every object, which is then unknown', () => {
    for (const name of ['constructor', 'toString', 'hasOwnProperty'])
      expect(judge({ images: { ...good.images, [name]: jpegHeader(96, 96) } })).toMatchObject({
        field: `images.${name}`,
      });
    const noCamera = decode({ ...good, images: {} });
    const hostile = {
      ...MODEL,
      inputs: { ...MODEL.inputs, cameras: [{ name: 'constructor', width: 96, height: 96 }] },
    };
    expect(checkObservation(noCamera, hostile, -1)).toMatchObject({ field: 'images.constructor' });
  });

  it('[W5] reads a state of little-endian float32 like an array', () => {
    const bin = new Uint8Array(new Float32Array([0, 1, 2, 3, 4, 5, 0.5]).buffer);
    expect([...decode({ ...good, state: bin }).state]).toEqual([0, 1, 2, 3, 4, 5, 0.5]);
  });

  it('[W5] borrows its images from the frame instead of copying them', () => {
    const frame = Uint8Array.from(pack(good));
    const result = decodeClientFrame(frame);
    const image = result.ok && result.message.type === 'observation' ? result.message.images.front : undefined;
    expect(image?.data.buffer).toBe(frame.buffer);
  });

  it('[W5] is read by hand exactly as its schema says', () => {
    const leaf = fc.oneof(
      fc.integer(),
      fc.double(),
      fc.string(),
      fc.constant(null),
      fc.boolean(),
      fc.uint8Array({ maxLength: 12 }),
    );
    const image = fc.oneof(
      fc.uint8Array({ maxLength: 16 }),
      fc.record({
        data: fc.uint8Array({ minLength: 6, maxLength: 6 }),
        shape: fc.oneof(fc.constant([1, 2, 3]), fc.constant([2, 1, 3]), fc.array(fc.nat(4), { maxLength: 4 })),
        encoding: fc.oneof(fc.constant('rgb8'), fc.string()),
      }),
      leaf,
    );
    const maybe = <T>(arbitrary: fc.Arbitrary<T>) =>
      fc.oneof({ weight: 6, arbitrary }, { weight: 1, arbitrary: leaf as fc.Arbitrary<unknown> });
    const observation = fc.record(
      {
        type: fc.constant('observation'),
        seq: maybe(fc.nat()),
        captured_at_ms: maybe(fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e12, max: 1e12 })),
        images: maybe(fc.dictionary(fc.string({ minLength: 1, maxLength: 6 }), image, { maxKeys: 3 })),
        state: maybe(
          fc.oneof(
            fc.array(fc.double(), { maxLength: 4 }),
            fc.array(fc.float({ noNaN: true, noDefaultInfinity: true }), { maxLength: 4 }),
          ),
        ),
        applied_seq: maybe(fc.nat()),
        instruction: maybe(fc.string({ minLength: 1 })),
      },
      { requiredKeys: ['type', 'seq', 'captured_at_ms', 'images', 'state'] },
    );
    fc.assert(
      fc.property(observation, (map) => {
        // the schema knows nothing of nil, of the bytes a shape must have, or of a bin's alignment
        if (map.applied_seq === null) delete map.applied_seq;
        if (map.instruction === null) delete map.instruction;
        fc.pre(!Object.keys(map.images instanceof Object ? map.images : {}).includes('__proto__'));
        const byHand = decodeClientFrame(Uint8Array.from(pack(map)));
        const bySchema = clientSchemas.observation.safeParse(map);
        if (byHand.ok) expect(bySchema.success).toBe(true);
        else if (bySchema.success) expect(byHand.fault.reason).toMatch(/bytes|finite|little-endian/);
      }),
      { numRuns: 500 },
    );
  });
});
