import { decodeClientFrame } from '@sinew/protocol';

export interface KeptFrame {
  readonly frame: ArrayBuffer;
  readonly arrivedMs: number;
}

/** Far more than comes in the moment that an `open` takes; beyond it frames are lost as any that are too many. */
const MOST_FRAMES = 32;
/** Two of the largest frames: who sends pictures before it is answered must not choose our memory. */
const MOST_BYTES = 8_388_608;
/** An `estop` of any msgpack library fits, unknown fields of a few words included. */
const ESTOP_FRAME_BYTES = 128;

export function isEstop(frame: ArrayBuffer): boolean {
  if (frame.byteLength > ESTOP_FRAME_BYTES) return false;
  const decoded = decodeClientFrame(new Uint8Array(frame));
  return decoded.ok && decoded.message.type === 'estop';
}

/** What comes while an `open` is being decided. However much that is, an e-stop among it is not lost. */
export class KeptFrames implements Iterable<KeptFrame> {
  readonly #frames: KeptFrame[] = [];
  #bytes = 0;
  #estopped = false;

  /** Copies the frame. */
  keep(frame: ArrayBuffer, arrivedMs: number): void {
    const estop = isEstop(frame);
    const room = this.#frames.length < MOST_FRAMES && this.#bytes + frame.byteLength <= MOST_BYTES;
    // One is enough: a client cannot make the list longer with more of them.
    if (!room && (!estop || this.#estopped)) return;
    this.#estopped ||= estop;
    this.#bytes += frame.byteLength;
    this.#frames.push({ frame: frame.slice(0), arrivedMs });
  }

  get estopped(): boolean {
    return this.#estopped;
  }

  [Symbol.iterator](): Iterator<KeptFrame> {
    return this.#frames[Symbol.iterator]();
  }
}
