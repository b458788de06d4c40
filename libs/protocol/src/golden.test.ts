import { describe, expect, it } from 'vitest';
import { decodeClientFrame, decodeServerFrame, encodeClientMessage, encodeServerMessage } from './index.js';
import { CLIENT_EXAMPLES, SERVER_EXAMPLES } from './testing/messages.js';

// golden.json holds each message as hex. It was written by this codec and checked by testing/golden.py: Python's `msgpack`
// package (1.2) reads every one strictly, finds the types of W0, and packs the same values to exactly the same bytes.
// A deliberate change of the wire: vitest -u golden.test.ts, then python3 libs/protocol/src/testing/golden.py

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

describe('golden bytes', () => {
  it('[W0] every message is written as ever', async () => {
    const frames = [
      ...Object.entries(CLIENT_EXAMPLES).map(([name, message]) => [name, hex(encodeClientMessage(message))]),
      ...Object.entries(SERVER_EXAMPLES).map(([name, message]) => [name, hex(encodeServerMessage(message))]),
    ];
    await expect(`${JSON.stringify(Object.fromEntries(frames), null, 2)}\n`).toMatchFileSnapshot(
      './testing/golden.json',
    );
  });

  for (const [name, message] of Object.entries(CLIENT_EXAMPLES))
    it(`[W0] ${name} is read back as it was`, () => {
      expect(decodeClientFrame(encodeClientMessage(message))).toEqual({ ok: true, message });
    });

  for (const [name, message] of Object.entries(SERVER_EXAMPLES))
    it(`[W0] ${name} is read back as it was`, () => {
      expect(decodeServerFrame(encodeServerMessage(message))).toEqual({ ok: true, message });
    });
});
