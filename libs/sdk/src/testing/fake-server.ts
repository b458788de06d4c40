import {
  type Action,
  type ClientMessage,
  type ClientMessageType,
  decodeClientFrame,
  encodeServerMessage,
  type Hold,
  type HoldReason,
  type ModelDescription,
  type Opened,
  type ServerMessage,
} from '@sinew/protocol';
import type { Environment } from '../environment.js';
import type { OpenSocket, SocketListener } from '../socket.js';
import { ManualClock } from './manual-clock.js';

type Of<T extends ClientMessageType> = Extract<ClientMessage, { type: T }>;

export const MODEL: ModelDescription = {
  id: 'test',
  version: '1',
  action_space: 'ee_delta',
  action_dim: 7,
  chunk_size: 8,
  inputs: {
    cameras: [{ name: 'main', width: 96, height: 96 }],
    state: { dim: 7, names: ['x', 'y', 'z', 'roll', 'pitch', 'yaw', 'gripper'] },
    text: { max_words: 16 },
  },
  action: {
    frame: 'base',
    rotation: 'rotvec',
    gripper: 'absolute_0_closed_1_open',
    pose: { position: [0, 1, 2], rotation: [3, 4, 5], gripper: 6 },
  },
};

const OPENED: Opened = {
  type: 'opened',
  session_id: 'session-1',
  resume_token: 'token-1',
  epoch: 1,
  resumed: false,
  estopped: false,
  control_hz: 10,
  pacing: 'paced',
  limits: { max_frame_bytes: 4_194_304, stale_after_ms: 500 },
  server_time_ms: 0,
  robot: {},
  model: MODEL,
};

const SAFETY = { score: 1, checks_passed: 4, flags: [], clamped: false };
const LATENCY = { queue_ms: 1, inference_ms: 2, total_ms: 3 };

/** One connection as the server's side sees it; frames pass through the real codec. */
export class FakeConnection {
  readonly received: ClientMessage[] = [];
  bufferedBytes = 0;
  terminated = false;
  readonly #listener: SocketListener;

  constructor(listener: SocketListener) {
    this.#listener = listener;
  }

  of<T extends ClientMessageType>(type: T): Of<T>[] {
    return this.received.filter((message): message is Of<T> => message.type === type);
  }

  send(message: ServerMessage): void {
    this.#listener.frame(encodeServerMessage(message));
  }

  sendRaw(bytes: Uint8Array): void {
    this.#listener.frame(bytes);
  }

  end(code: number, reason = ''): void {
    this.#listener.closed({ code, reason });
  }

  action(seq: number, observationSeq: number, more: Partial<Action> = {}): void {
    this.send({
      type: 'action',
      seq,
      observation_seq: observationSeq,
      values: Float64Array.of(0.01, 0, 0, 0, 0, 0, 1),
      age_ms: 50,
      safety: SAFETY,
      latency: LATENCY,
      log_id: 1000 + seq,
      ...more,
    });
  }

  hold(seq: number, reason: HoldReason, values: Hold['values'] = Float64Array.of(0, 0, 0, 0, 0, 0, 1)): void {
    this.send({ type: 'hold', seq, reason, values });
  }

  error(more: Omit<Extract<ServerMessage, { type: 'error' }>, 'type' | 'message'>): void {
    this.send({ type: 'error', message: 'refused', ...more });
  }
}

/** A server in memory that does what a test tells it: every connection is answered by `opened`, or as `answer` says. */
export class FakeServer {
  readonly clock = new ManualClock();
  readonly connections: FakeConnection[] = [];
  readonly urls: string[] = [];
  opened: Opened;
  /** What to do with an `open`; default: send `opened`. */
  answer: (connection: FakeConnection, open: Of<'open'>) => void = (connection) => connection.send(this.opened);
  /** Whether connections are made at all. */
  reachable = true;

  constructor(opened: Partial<Opened> = {}) {
    this.opened = { ...OPENED, ...opened };
  }

  get environment(): Environment {
    const { now, setTimeout, clearTimeout } = this.clock;
    return { now, setTimeout, clearTimeout, random: () => 0.5, openSocket: this.#open };
  }

  /** The newest connection. */
  get connection(): FakeConnection {
    const connection = this.connections.at(-1);
    if (connection === undefined) throw new Error('nobody connected');
    return connection;
  }

  readonly #open: OpenSocket = (url, _apiKey, listener) => {
    this.urls.push(url);
    let over = false;
    const once: SocketListener = {
      opened: () => over || listener.opened(),
      frame: (bytes) => over || listener.frame(bytes),
      closed: (end) => {
        if (over) return;
        over = true;
        listener.closed(end);
      },
    };
    const connection = new FakeConnection(once);
    if (this.reachable) {
      this.connections.push(connection);
      queueMicrotask(() => once.opened());
    } else queueMicrotask(() => once.closed({ code: 1006, reason: 'unreachable' }));
    return {
      get bufferedBytes() {
        return connection.bufferedBytes;
      },
      send: (bytes) => {
        const decoded = decodeClientFrame(bytes.slice());
        if (!decoded.ok) throw new Error(`the client sent ${decoded.fault.message}`);
        connection.received.push(decoded.message);
        this.#react(connection, decoded.message);
      },
      close: () => once.closed({ code: 1000, reason: '' }),
      terminate: () => {
        connection.terminated = true;
        queueMicrotask(() => once.closed({ code: 1006, reason: '' }));
      },
    };
  };

  #react(connection: FakeConnection, message: ClientMessage): void {
    if (message.type === 'open') this.answer(connection, message);
    else if (message.type === 'close') {
      connection.send({ type: 'closed', reason: 'client', resumable: false, counters: { actions: 3 } });
      queueMicrotask(() => connection.end(1000));
    }
  }
}

/** Lets everything that is ready run, without any time passing. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await Promise.resolve();
}
