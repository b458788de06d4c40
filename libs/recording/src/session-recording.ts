import {
  COMPRESSED_IMAGE,
  JOINT_STATES,
  LOG,
  LOG_LEVELS,
  type LogLevel,
  RAW_IMAGE,
  TIMESTAMP,
  timestamp,
} from './foxglove.js';
import { imageFormat } from './image-format.js';
import { type Channel, McapStream } from './mcap-stream.js';
import { encodeMessage, type MessageType, type MessageValue, message } from './message-type.js';
import { scalars, scalarValues } from './scalars.js';

/** What a session is, for as long as it lasts. */
export interface SessionHead {
  readonly stateNames: readonly string[];
  readonly actionNames: readonly string[];
  /** The state is joint positions. */
  readonly joints: boolean;
  /** Of the metadata record `sinew.session`. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** What happened at a moment. Times are Unix milliseconds, as fine as they come; `atMs`: when it was recorded. */
export type Moment =
  | {
      readonly kind: 'observation';
      readonly atMs: number;
      readonly capturedMs: number;
      readonly state: Float64Array;
      /** Whole image files, or rows of rgb8 where there is a width. */
      readonly images: readonly {
        readonly camera: string;
        readonly data: Uint8Array;
        readonly width?: number;
        readonly height?: number;
      }[];
    }
  | {
      readonly kind: 'tick';
      readonly atMs: number;
      readonly dueMs: number;
      readonly seq: number;
      /** Why nothing but the stop action was sent; null for an action. */
      readonly hold: string | null;
      readonly proposed: Float64Array;
      readonly sent: Float64Array;
      readonly score: number;
      readonly flags: readonly string[];
      readonly logId: number;
    }
  | {
      readonly kind: 'latency';
      readonly atMs: number;
      readonly queue_ms: number;
      readonly inference_ms: number;
      readonly total_ms: number;
      readonly observationSeq: number;
      readonly logId: number;
    }
  | { readonly kind: 'log'; readonly atMs: number; readonly level: LogLevel; readonly text: string };

const LATENCY = scalars('Latency', ['queue_ms', 'inference_ms', 'total_ms', 'observation_seq', 'log_id']);
const TICK = message('sinew', 'Tick', 'sinew/Tick.proto', [
  { name: 'timestamp', number: 1, type: TIMESTAMP },
  { name: 'seq', number: 2, type: 'uint64' },
  { name: 'held', number: 3, type: 'double' },
  { name: 'safety_score', number: 4, type: 'double' },
  { name: 'flags', number: 5, type: 'string' },
  { name: 'log_id', number: 6, type: 'uint64' },
]);
const HOLD = message('sinew', 'Hold', 'sinew/Hold.proto', [
  { name: 'timestamp', number: 1, type: TIMESTAMP },
  { name: 'seq', number: 2, type: 'uint64' },
  { name: 'reason', number: 3, type: 'string' },
]);

const nanoseconds = (ms: number): bigint => BigInt(Math.round(ms * 1_000)) * 1_000n;

/** A session's moments as topics of a recording. Log times never go back; a message's own time is when it was captured or due. */
export class SessionRecording {
  readonly #out: McapStream;
  readonly #state: MessageType;
  readonly #action: MessageType;
  readonly #joints: readonly string[] | null;
  readonly #topics = new Map<string, Channel>();
  #lastNs = 0n;

  constructor({ actionNames, joints, metadata, stateNames }: SessionHead, emit: (bytes: Uint8Array) => void) {
    this.#out = new McapStream(emit);
    this.#state = scalars('State', stateNames);
    this.#action = scalars('Action', actionNames);
    this.#joints = joints ? stateNames : null;
    this.#out.metadata('sinew.session', metadata);
  }

  get messages(): number {
    return this.#out.messages;
  }

  add(moment: Moment): void {
    switch (moment.kind) {
      case 'observation':
        this.#observation(moment);
        return;
      case 'tick':
        this.#tick(moment);
        return;
      case 'latency': {
        const { atMs, inference_ms, logId, observationSeq, queue_ms, total_ms } = moment;
        const values = [queue_ms, inference_ms, total_ms, observationSeq, logId];
        this.#put('/latency', LATENCY, atMs, atMs, scalarValues(LATENCY, values));
        return;
      }
      case 'log': {
        const { atMs, level, text } = moment;
        this.#put('/log', LOG, atMs, atMs, { level: LOG_LEVELS[level], message: text, name: 'sinew' });
        return;
      }
    }
  }

  /** What was added until now can be read from here on, whatever becomes of us. */
  flush(): void {
    this.#out.flush();
  }

  end(): void {
    this.#out.end();
  }

  #observation({ atMs, capturedMs, images, state }: Extract<Moment, { kind: 'observation' }>): void {
    this.#put('/state', this.#state, atMs, capturedMs, scalarValues(this.#state, state));
    if (this.#joints !== null) {
      const joints = this.#joints.map((name, i) => ({ name, position: state[i] ?? Number.NaN }));
      this.#put('/joints', JOINT_STATES, atMs, capturedMs, { joints });
    }
    for (const { camera, data, height, width } of images) {
      const frame = { data, frame_id: camera };
      const topic = `/camera/${camera}`;
      if (width !== undefined && height !== undefined) {
        const raw = { ...frame, width, height, encoding: 'rgb8', step: 3 * width };
        this.#put(topic, RAW_IMAGE, atMs, capturedMs, raw);
        continue;
      }
      const format = imageFormat(data);
      if (format !== null) this.#put(topic, COMPRESSED_IMAGE, atMs, capturedMs, { ...frame, format });
    }
  }

  #tick(tick: Extract<Moment, { kind: 'tick' }>): void {
    const { atMs, dueMs, flags, hold, logId, proposed, score, sent, seq } = tick;
    this.#put('/action/proposed', this.#action, atMs, dueMs, scalarValues(this.#action, proposed));
    this.#put('/action/sent', this.#action, atMs, dueMs, scalarValues(this.#action, sent));
    const held = hold === null ? 0 : 1;
    const numbers = { seq, held, safety_score: score, flags: flags.join(','), log_id: Math.max(0, logId) };
    this.#put('/tick', TICK, atMs, dueMs, numbers);
    if (hold !== null) this.#put('/hold', HOLD, atMs, dueMs, { seq, reason: hold });
  }

  #put(topic: string, type: MessageType, atMs: number, ownMs: number, value: MessageValue): void {
    const at = nanoseconds(atMs);
    if (at > this.#lastNs) this.#lastNs = at;
    const logNs = this.#lastNs;
    const ownNs = nanoseconds(ownMs);
    this.#out.message(this.#channel(topic, type), logNs, ownNs, { timestamp: timestamp(ownNs), ...value });
  }

  /** A topic has one type: a camera that changes from files to pixels goes on under another name. */
  #channel(topic: string, type: MessageType): Channel {
    const known = this.#topics.get(topic);
    if (known === undefined) {
      const made = this.#out.channel(topic, type);
      this.#topics.set(topic, made);
      return made;
    }
    return known.type === type ? known : this.#channel(`${topic}/${type.name}`, type);
  }
}

/** Whether a message of a recording tells of this inference: it stands in the last field of ticks and latencies. */
export function namesInference(topic: string, data: Uint8Array, logId: number): boolean {
  if (topic !== '/tick' && topic !== '/latency') return false;
  const ending = topic === '/tick' ? encodeMessage(TICK, { log_id: logId }) : encodeMessage(LATENCY, { log_id: logId });
  return data.length >= ending.length && ending.every((byte, i) => byte === data[data.length - ending.length + i]);
}
