import { encodeOpenpi, float32Array, uint8Array } from '@sinew/protocol/openpi';
import { gradient } from '../load/camera-image.js';
import { ObservationFrame } from '../load/observation-frame.js';
import { clientFrame, OPCODE } from '../load/websocket-frames.js';
import type { FrameSpec, Wire } from './client-messages.js';
import { KEYS } from './peer-settings.js';

/** A robot over the middle of its table, gripper open. */
const POSE = [0.02, -0.03, 0.2, 0, 0, 0, 1] as const;
/** The one camera of all three policies. */
const NATIVE_CAMERA = 'main';
/** Ticks that a client executes of each chunk: half of it. */
export const EXECUTED = 4;

/** A whole WebSocket frame, encoded once: a send only patches what differs from the one before. */
export interface RequestFrame {
  readonly bytes: Buffer;
  /** The n-th of this client, from 0. */
  stamp(n: number, nowMs: number): void;
}

export function requestFrame(wire: Wire, spec: FrameSpec): RequestFrame {
  return wire === 'openpi' ? new OpenpiFrame(spec) : new NativeFrame(spec);
}

class OpenpiFrame implements RequestFrame {
  readonly bytes: Buffer;
  readonly #state: DataView;

  constructor({ image: [height, width], instruction }: FrameSpec) {
    const state = float32Array([POSE.length], POSE);
    const payload = encodeOpenpi({
      [KEYS.image]: uint8Array([height, width, 3], gradient(width, height)),
      [KEYS.state]: state,
      [KEYS.prompt]: instruction,
    });
    this.bytes = clientFrame(OPCODE.binary, payload).bytes;
    const at = this.bytes.lastIndexOf(state.data);
    if (at < 0) throw new Error('the state is not in its frame');
    this.#state = new DataView(this.bytes.buffer, this.bytes.byteOffset + at);
  }

  stamp(n: number): void {
    this.#state.setFloat32(0, wander(n), true);
  }
}

/** In lockstep a client says what it has executed since. */
class NativeFrame implements RequestFrame {
  readonly #first: ObservationFrame;
  readonly #following: ObservationFrame;
  #current: ObservationFrame;

  constructor({ image: [height, width] }: FrameSpec) {
    const images = { [NATIVE_CAMERA]: { data: gradient(width, height), shape: [height, width, 3], encoding: 'rgb8' } };
    const state = Float64Array.from(POSE);
    this.#first = new ObservationFrame({ images, state, applied: false });
    this.#following = new ObservationFrame({ images, state, applied: true });
    this.#current = this.#first;
  }

  get bytes(): Buffer {
    return this.#current.bytes;
  }

  stamp(n: number, nowMs: number): void {
    this.#current = n === 0 ? this.#first : this.#following;
    this.#current.stamp(n, nowMs, EXECUTED * n - 1);
  }
}

/** No two observations in a row are the same, as no two of a robot are; a tenth of a millimetre. */
const wander = (n: number): number => POSE[0] + (n % 10) * 0.000_1;
