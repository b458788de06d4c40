import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodeClientFrame,
  decodeServerFrame,
  encodeClientMessage,
  encodeServerMessage,
  readImageHeader,
} from './index.js';
import { CLIENT_EXAMPLES, jpegHeader, SERVER_EXAMPLES } from './testing/messages.js';

// Whatever arrives, decoding returns: a message or a fault whose text is short. The scan bounds its work (frame-scan.test.ts).

const frames = [
  ...Object.values(CLIENT_EXAMPLES).map(encodeClientMessage),
  ...Object.values(SERVER_EXAMPLES).map(encodeServerMessage),
];
const frame = fc.constantFrom(...frames);

const CODES = ['bad_message', 'unknown_type', 'validation_failed'];

/** Plain comparisons: tens of thousands of runs go through here. */
function survives(bytes: Uint8Array): void {
  for (const decode of [decodeClientFrame, decodeServerFrame]) {
    const result = decode(bytes);
    const fine = result.ok
      ? typeof result.message.type === 'string'
      : CODES.includes(result.fault.code) && result.fault.message.length < 400;
    if (!fine) throw new Error(`not a decent answer: ${JSON.stringify(result)}`);
  }
}

describe('hostile frames', () => {
  it('[W3] arbitrary bytes decode to a message or a fault, never to an exception', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), survives), { numRuns: 2000 });
  });

  it('[W3] so do arbitrary bytes dressed as a map', () => {
    const dressed = fc.tuple(fc.integer({ min: 0x80, max: 0x8f }), fc.uint8Array({ maxLength: 200 }));
    fc.assert(
      fc.property(dressed, ([head, rest]) => survives(Uint8Array.from([head, ...rest]))),
      { numRuns: 2000 },
    );
  });

  it('[W3] every truncation of every message is a bad_message', () => {
    for (const bytes of frames)
      for (let length = 0; length < bytes.length; length++) {
        expect(decodeClientFrame(bytes.subarray(0, length))).toMatchObject({
          ok: false,
          fault: { code: 'bad_message' },
        });
        expect(decodeServerFrame(bytes.subarray(0, length))).toMatchObject({
          ok: false,
          fault: { code: 'bad_message' },
        });
      }
  });

  it('[W3] flipped bits decode to a message or a fault', () => {
    fc.assert(
      fc.property(
        frame,
        fc.array(fc.tuple(fc.nat(), fc.integer({ min: 1, max: 255 })), { minLength: 1, maxLength: 8 }),
        (bytes, flips) => {
          const broken = bytes.slice();
          for (const [at, mask] of flips) broken[at % broken.length] = (broken[at % broken.length] ?? 0) ^ mask;
          survives(broken);
        },
      ),
      { numRuns: 3000 },
    );
  });

  it('[W3] bytes after any message are a bad_message', () => {
    fc.assert(
      fc.property(frame, fc.uint8Array({ minLength: 1, maxLength: 9 }), (bytes, more) => {
        expect(decodeClientFrame(Uint8Array.from([...bytes, ...more]))).toMatchObject({
          ok: false,
          fault: { code: 'bad_message' },
        });
      }),
    );
  });

  it('[W6] declared lengths of any size, at any place, never reach the decoder', () => {
    const lengthTokens = fc.constantFrom(0xc4, 0xc5, 0xc6, 0xd9, 0xda, 0xdb, 0xdc, 0xdd, 0xde, 0xdf);
    fc.assert(
      fc.property(
        frame,
        fc.nat(),
        lengthTokens,
        fc.uint8Array({ minLength: 4, maxLength: 4 }),
        (bytes, at, token, length) => {
          const cut = at % bytes.length;
          survives(Uint8Array.from([...bytes.subarray(0, cut), token, ...length, ...bytes.subarray(cut)]));
        },
      ),
      { numRuns: 2000 },
    );
  });

  it('[W6] nesting of any depth returns', () => {
    for (const token of [0x81, 0x91, 0xdd]) {
      survives(new Uint8Array(1 << 20).fill(token));
      const maps = new Uint8Array(300_000);
      for (let i = 0; i < maps.length; i += 3) maps.set([0x81, 0xa1, 0x61], i);
      survives(maps);
    }
  });

  it('[W5] the image header of any bytes is read or refused', () => {
    const starts = [
      [0xff, 0xd8],
      [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a],
      [...'RIFF1234WEBPVP8X'].map((c) => c.charCodeAt(0)),
      [],
    ];
    fc.assert(
      fc.property(fc.constantFrom(...starts), fc.uint8Array({ maxLength: 200 }), (start, rest) => {
        const header = readImageHeader(Uint8Array.from([...start, ...rest]));
        if (header !== null) expect(Number.isSafeInteger(header.width * header.height * header.channels)).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });

  it('[W5] a JPEG of a million empty segments costs a bounded look', () => {
    const slow = new Uint8Array(4 << 20);
    for (let i = 2; i + 4 <= slow.length; i += 4) slow.set([0xff, 0xe0, 0, 2], i);
    slow.set([0xff, 0xd8]);
    expect(readImageHeader(slow)).toBeNull();
    expect(readImageHeader(new Uint8Array(4 << 20).fill(0xff).fill(0xd8, 1, 2))).toBeNull();
    expect(readImageHeader(jpegHeader(640, 480))).toEqual({ format: 'jpeg', width: 640, height: 480, channels: 3 });
  });
});
