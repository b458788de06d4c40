import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { crc32c } from './crc32c.js';

function bitwise(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  }
  return ~crc >>> 0;
}

describe('[F1] crc32c', () => {
  it('gives the published check values (RFC 3720 B.4)', () => {
    expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283);
    expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa);
    expect(crc32c(new Uint8Array(32).fill(0xff))).toBe(0x62a8ab43);
    expect(crc32c(Uint8Array.from({ length: 32 }, (_, i) => i))).toBe(0x46dd794e);
  });

  it('is not the polynomial of zlib', () => {
    const bytes = Buffer.from('123456789');
    expect(crc32c(bytes)).not.toBe(crc32(bytes));
  });

  it('agrees with the definition at every length and alignment, whole or in parts', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat(100), fc.nat(8), (bytes, cut, shift) => {
        const shifted = new Uint8Array(bytes.length + shift);
        shifted.set(bytes, shift);
        const middle = shift + Math.min(cut, bytes.length);
        const expected = bitwise(bytes);
        expect(crc32c(shifted, shift)).toBe(expected);
        expect(crc32c(shifted, middle, shifted.length, crc32c(shifted, shift, middle))).toBe(expected);
      }),
    );
  });
});
