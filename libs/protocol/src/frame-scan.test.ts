import { pack } from 'msgpackr';
import { describe, expect, it } from 'vitest';
import { scanFrame } from './frame-scan.js';

const bytes = (...list: number[]): Uint8Array => Uint8Array.from(list);
const packed = (value: unknown): Uint8Array => Uint8Array.from(pack(value));

describe('the scan before decoding', () => {
  it('[W6] lets an ordinary frame pass, whatever its bins hold', () => {
    expect(
      scanFrame(
        packed({ type: 'observation', images: { front: new Uint8Array(100_000).fill(0x9f) }, state: [1, -2, 0.5] }),
      ),
    ).toBeNull();
    expect(scanFrame(bytes(0x80))).toBeNull();
  });

  it('[W6] knows the length of every msgpack type', () => {
    for (const value of [
      0,
      -1,
      127,
      128,
      -33,
      255,
      256,
      -129,
      65_535,
      65_536,
      -40_000,
      2 ** 32 - 1,
      -(2 ** 31),
      1.5,
      Number.NaN,
      true,
      false,
      null,
    ])
      expect(scanFrame(packed({ value }))).toBeNull();
    for (const value of [2n ** 40n, -(2n ** 40n), 2n ** 64n - 1n]) expect(scanFrame(packed({ value }))).toBeNull();
    for (const length of [0, 31, 32, 255, 256, 65_535, 65_536]) {
      expect(scanFrame(packed({ value: 'x'.repeat(length) }))).toBeNull();
      expect(scanFrame(packed({ value: new Uint8Array(length) }))).toBeNull();
    }
    for (const length of [0, 15, 16, 4000]) expect(scanFrame(packed({ value: new Array(length).fill(7) }))).toBeNull();
    expect(scanFrame(bytes(0x81, 0xa1, 0x61, 0xca, 0x3f, 0x80, 0, 0))).toBeNull();
  });

  it('[W6] accepts 4,096 values and refuses one more', () => {
    const withTotal = (total: number): Uint8Array => packed({ a: new Array(total - 3).fill(1) }); // map, key, array, entries
    expect(scanFrame(withTotal(4096))).toBeNull();
    expect(scanFrame(withTotal(4097))).toBe('more than 4096 values');
  });

  it('[W6] accepts 64 keys in a map and refuses one more', () => {
    const withKeys = (count: number) =>
      packed(Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, 1])));
    expect(scanFrame(withKeys(64))).toBeNull();
    expect(scanFrame(withKeys(65))).toBe('more than 64 keys in a map');
  });

  it('[W6] accepts depth 8 and refuses depth 9, by arrays and by maps', () => {
    const nested = (depth: number, wrap: (inner: unknown) => unknown): Uint8Array => {
      let value: unknown = 1;
      for (let i = 1; i < depth; i++) value = wrap(value);
      return packed({ a: value });
    };
    for (const wrap of [(inner: unknown) => [inner], (inner: unknown) => ({ a: inner })]) {
      expect(scanFrame(nested(8, wrap))).toBeNull();
      expect(scanFrame(nested(9, wrap))).toBe('nested deeper than 8');
    }
  });

  it('[W6] refuses lengths that the frame cannot hold, without reading on', () => {
    const key = [0x81, 0xa1, 0x61];
    const huge = [0xff, 0xff, 0xff, 0xff];
    for (const token of [0xc6, 0xdb]) expect(scanFrame(bytes(...key, token, ...huge))).toBe('the frame is truncated');
    for (const token of [0xdd, 0xdf]) expect(scanFrame(bytes(...key, token, ...huge))).toMatch(/more than/);
    expect(scanFrame(bytes(...key, 0xdc, 0x0f, 0x00))).toBe('the frame is truncated');
    expect(scanFrame(bytes(...key, 0xde, 0x00, 0x20))).toBe('the frame is truncated');
    expect(scanFrame(bytes(...key, 0xcb, 0, 0))).toBe('the frame is truncated');
    expect(scanFrame(bytes(...key, 0xc5, 1))).toBe('the frame is truncated');
  });

  it('[W6] looks at each byte of a 4 MiB frame of empty maps at most once', () => {
    // an upper bound on work that needs no clock: the scan stops at value 4,097 of four million
    const frame = new Uint8Array(4 << 20).fill(0x80);
    frame.set([0x81, 0xa1, 0x61, 0xdd, 0x00, 0x3f, 0xff, 0xf8]);
    let reads = 0;
    const counted = new Proxy(frame, {
      get(target, property) {
        if (property === 'length') return target.length;
        reads++;
        return target[Number(property)];
      },
    });
    expect(scanFrame(counted)).toBe('more than 4096 values');
    expect(reads).toBeLessThan(20);
  });

  it('[W3] refuses everything that is not exactly one map with string keys', () => {
    expect(scanFrame(bytes())).toBe('the frame is truncated');
    expect(scanFrame(bytes(0x90))).toBe('the frame is not a map');
    expect(scanFrame(bytes(0xc0))).toBe('the frame is not a map');
    expect(scanFrame(bytes(0xa1, 0x61))).toBe('the frame is not a map');
    expect(scanFrame(bytes(0x80, 0x80))).toBe('bytes follow the map');
    expect(scanFrame(bytes(0x80, 0xc0))).toBe('bytes follow the map');
    expect(scanFrame(bytes(0x81, 0x01, 0x02))).toBe('map keys must be strings');
    expect(scanFrame(bytes(0x81, 0xa1, 0x61, 0x81, 0xc4, 1, 0x61, 0x02))).toBe('map keys must be strings');
    expect(scanFrame(bytes(0x81, 0xa1, 0x61, 0xc1))).toBe('byte 0xc1 is not msgpack');
  });

  it('[W3] refuses every extension type', () => {
    for (const token of [0xc7, 0xc8, 0xc9, 0xd4, 0xd5, 0xd6, 0xd7, 0xd8])
      expect(scanFrame(bytes(0x81, 0xa1, 0x61, token, ...new Array(20).fill(0)))).toMatch(/extension/);
    expect(scanFrame(packed({ at: new Date() }))).toMatch(/extension/);
  });
});
