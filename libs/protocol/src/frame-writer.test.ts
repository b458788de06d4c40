import fc from 'fast-check';
import { Unpackr } from 'msgpackr';
import { describe, expect, it } from 'vitest';
import { FrameWriter } from './frame-writer.js';

const unpackr = new Unpackr({ useRecords: false, int64AsType: 'number' });
const writer = new FrameWriter();

describe('the encoder', () => {
  it('[W0] writes whole numbers as msgpack ints at every width', () => {
    const tags: [number, number][] = [
      [0, 0x00],
      [127, 0x7f],
      [128, 0xcc],
      [256, 0xcd],
      [65_536, 0xce],
      [2 ** 32 - 1, 0xce],
      [2 ** 32, 0xcf],
      [Number.MAX_SAFE_INTEGER, 0xcf],
      [-1, 0xff],
      [-32, 0xe0],
      [-33, 0xd0],
      [-129, 0xd1],
      [-32_769, 0xd2],
      [-(2 ** 31) - 1, 0xd3],
      [Number.MIN_SAFE_INTEGER, 0xd3],
    ];
    for (const [value, tag] of tags) {
      const bytes = writer.encode(value);
      expect(bytes[0], String(value)).toBe(tag);
      expect(unpackr.unpack(bytes), String(value)).toBe(value);
    }
  });

  it('[W0] any integer that JavaScript holds exactly survives', () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), (value) => {
        expect(unpackr.unpack(writer.encode(value))).toBe(value);
      }),
    );
  });

  it('[W0] vectors are float64 even where an entry is whole', () => {
    expect([...writer.encode(new Float64Array([1]))]).toEqual([0x91, 0xcb, 0x3f, 0xf0, 0, 0, 0, 0, 0, 0]);
  });

  it('any plain value is read back by another decoder', () => {
    const value = fc.letrec<{ value: unknown }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 3 },
        fc.double({ noNaN: true }),
        fc.integer(),
        fc.string({ unit: 'binary', maxLength: 300 }),
        fc.boolean(),
        fc.constant(null),
        fc.uint8Array({ maxLength: 300 }),
        fc.array(tie('value'), { maxLength: 20 }),
        fc.dictionary(
          fc.string().filter((key) => key !== '__proto__'),
          tie('value'),
          { maxKeys: 20 },
        ),
      ),
    })).value;
    const plain = (input: unknown): unknown => {
      if (input instanceof Uint8Array) return [...input];
      if (Array.isArray(input)) return input.map(plain);
      if (typeof input === 'object' && input !== null)
        return Object.fromEntries(Object.entries(input).map(([key, item]) => [key, plain(item)]));
      return input;
    };
    fc.assert(
      fc.property(value, (input) => {
        expect(plain(unpackr.unpack(writer.encode(input)))).toEqual(plain(input));
      }),
      { numRuns: 1000 },
    );
  });

  it('never writes again to what it returned, over many slabs', () => {
    const own = new FrameWriter();
    const frames = Array.from({ length: 400 }, (_, i) => {
      const bytes = own.encode({ i, filler: new Uint8Array((i * 37) % 5000).fill(i & 255) });
      return { bytes, copy: Buffer.from(bytes).toString('hex') };
    });
    own.encode(new Uint8Array(1_000_000));
    for (const { bytes, copy } of frames) expect(Buffer.from(bytes).toString('hex') === copy).toBe(true);
  });

  it('leaves out fields that are undefined and owns what it returns', () => {
    const first = writer.encode({ a: undefined, b: 'ü' });
    expect(unpackr.unpack(first)).toEqual({ b: 'ü' });
    const copy = first.slice();
    writer.encode({ c: new Uint8Array(3 << 20) });
    writer.encode({ d: 'x'.repeat(70_000) });
    expect([...first]).toEqual([...copy]);
  });

  it('refuses what no frame can hold', () => {
    for (const value of [1n, () => 1, Symbol('s')]) expect(() => writer.encode({ value })).toThrow(TypeError);
    expect(unpackr.unpack(writer.encode({ fine: 1 }))).toEqual({ fine: 1 });
  });
});
