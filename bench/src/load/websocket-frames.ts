// As much of RFC 6455 as a load generator needs. Client frames carry the mask bit with an all-zero key: legal for the
// server, which unmasks as always, and free for the client, whose payload stays as it is.

export const OPCODE = { text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

const MASK_BIT = 0x80;
const FINAL = 0x80;

/** One whole client frame; `payloadAt` is where the payload begins. */
export function clientFrame(opcode: number, payload: Uint8Array): { bytes: Buffer; payloadAt: number } {
  const { length } = payload;
  const lengthBytes = length < 126 ? 0 : length < 65_536 ? 2 : 8;
  const payloadAt = 2 + lengthBytes + 4;
  const bytes = Buffer.alloc(payloadAt + length);
  bytes[0] = FINAL | opcode;
  bytes[1] = MASK_BIT | (lengthBytes === 0 ? length : lengthBytes === 2 ? 126 : 127);
  if (lengthBytes === 2) bytes.writeUInt16BE(length, 2);
  if (lengthBytes === 8) bytes.writeUInt32BE(length, 6);
  bytes.set(payload, payloadAt);
  return { bytes, payloadAt };
}

/** The payload is `bytes[start, end)` and valid during the call only. */
export type OnFrame = (opcode: number, bytes: Buffer, start: number, end: number) => void;

/** Cuts a server's byte stream into frames. Bytes are looked at where they lie; only a frame that is cut in two is copied. */
export class InboundFrames {
  #rest: Buffer | null = null;

  /** Throws when the server fragments or masks, which it never does. */
  push(chunk: Buffer, onFrame: OnFrame): void {
    const bytes = this.#rest === null ? chunk : Buffer.concat([this.#rest, chunk]);
    this.#rest = null;
    let at = 0;
    while (at < bytes.length) {
      const end = frameEnd(bytes, at);
      if (end === null || end > bytes.length) break;
      const first = bytes[at] as number;
      if ((first & FINAL) === 0) throw new Error('the server fragmented a frame');
      onFrame(first & 0x0f, bytes, payloadStart(bytes, at), end);
      at = end;
    }
    if (at < bytes.length) this.#rest = Buffer.from(bytes.subarray(at));
  }
}

function payloadStart(bytes: Buffer, at: number): number {
  const length = bytes[at + 1] as number;
  return at + (length < 126 ? 2 : length === 126 ? 4 : 10);
}

/** Null while the header is incomplete. */
function frameEnd(bytes: Buffer, at: number): number | null {
  if (at + 2 > bytes.length) return null;
  const length = bytes[at + 1] as number;
  if ((length & MASK_BIT) !== 0) throw new Error('the server masked a frame');
  if (length < 126) return at + 2 + length;
  if (length === 126) return at + 4 > bytes.length ? null : at + 4 + bytes.readUInt16BE(at + 2);
  return at + 10 > bytes.length ? null : at + 10 + bytes.readUInt32BE(at + 2) * 2 ** 32 + bytes.readUInt32BE(at + 6);
}
