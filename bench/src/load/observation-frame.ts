import { FrameWriter } from '@sinew/protocol';
import { clientFrame, OPCODE } from './websocket-frames.js';

export interface ObservationContent {
  /** Camera name → what the wire takes: encoded bytes, or a map of data, shape and encoding. */
  readonly images: Readonly<Record<string, unknown>>;
  readonly state: Float64Array;
  /** Whether the frame has the field `applied_seq`. */
  readonly applied: boolean;
}

/**
 * A whole WebSocket frame with one observation, encoded once. Its numbers have a fixed width, so that every send only
 * patches them in place: 20 KB are neither encoded nor masked again.
 */
export class ObservationFrame {
  readonly bytes: Buffer;
  readonly #seqAt: number;
  readonly #capturedAt: number;
  readonly #appliedAt: number | null;

  constructor(content: ObservationContent) {
    const writer = new FrameWriter();
    const parts: Uint8Array[] = [];
    let length = 0;
    const add = (part: Uint8Array): number => {
      const at = length;
      parts.push(part);
      length += part.length;
      return at;
    };
    const key = (name: string): number => add(writer.encode(name));
    add(Uint8Array.of(0x80 | (content.applied ? 6 : 5)));
    key('type');
    key('observation');
    key('seq');
    const seqAt = add(Uint8Array.of(0xce, 0, 0, 0, 0)) + 1;
    key('captured_at_ms');
    const capturedAt = add(Uint8Array.of(0xcb, 0, 0, 0, 0, 0, 0, 0, 0)) + 1;
    let appliedAt: number | null = null;
    if (content.applied) {
      key('applied_seq');
      appliedAt = add(Uint8Array.of(0xce, 0, 0, 0, 0)) + 1;
    }
    key('state');
    add(writer.encode(content.state));
    key('images');
    add(writer.encode(content.images));
    const { bytes, payloadAt } = clientFrame(OPCODE.binary, Buffer.concat(parts));
    this.bytes = bytes;
    this.#seqAt = payloadAt + seqAt;
    this.#capturedAt = payloadAt + capturedAt;
    this.#appliedAt = appliedAt === null ? null : payloadAt + appliedAt;
  }

  stamp(seq: number, capturedMs: number, appliedSeq: number): void {
    this.bytes.writeUInt32BE(seq, this.#seqAt);
    this.bytes.writeDoubleBE(capturedMs, this.#capturedAt);
    if (this.#appliedAt !== null) this.bytes.writeUInt32BE(appliedSeq, this.#appliedAt);
  }
}
