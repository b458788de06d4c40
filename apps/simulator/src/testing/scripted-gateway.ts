import {
  type ClientMessage,
  decodeClientFrame,
  encodeServerMessage,
  type Observation,
  type ServerMessage,
} from '@sinew/protocol';
import type { OpenSocket, SocketListener } from '@sinew/sdk';

/** One connection of a robot, as the script sees it. */
export interface Connection {
  /** 0 for the first. */
  readonly index: number;
  send(message: ServerMessage): void;
  end(code: number): void;
}

/** Called with every message that a robot sends, but its farewell, which is answered. */
export type Script = (message: ClientMessage, connection: Connection) => void;

const FAREWELL: ServerMessage = { type: 'closed', reason: 'closed', resumable: false, counters: { superseded: 3 } };

/** Sockets to a gateway that exists in a script only; frames pass through the real codec. */
export function scriptedGateway(script: Script): { openSocket: OpenSocket; received: ClientMessage[] } {
  const received: ClientMessage[] = [];
  let connections = 0;
  const openSocket: OpenSocket = (_url, _key, listener: SocketListener) => {
    let ended = false;
    const connection: Connection = {
      index: connections++,
      send: (message) => {
        if (!ended) listener.frame(encodeServerMessage(message));
      },
      end: (code) => {
        if (!ended) listener.closed({ code, reason: '' });
        ended = true;
      },
    };
    queueMicrotask(() => listener.opened());
    return {
      bufferedBytes: 0,
      send(bytes) {
        const decoded = decodeClientFrame(Uint8Array.from(bytes));
        if (!decoded.ok) throw new Error(decoded.fault.message);
        const { message } = decoded;
        received.push(message);
        queueMicrotask(() => {
          if (message.type !== 'close') return script(message, connection);
          connection.send(FAREWELL);
          connection.end(1000);
        });
      },
      close: () => queueMicrotask(() => connection.end(1000)),
      terminate: () => queueMicrotask(() => connection.end(1006)),
    };
  };
  return { openSocket, received };
}

export function opened(sessionId: string): ServerMessage {
  return {
    type: 'opened',
    session_id: sessionId,
    resume_token: 'token',
    epoch: 1,
    resumed: false,
    estopped: false,
    control_hz: 10,
    pacing: 'paced',
    limits: { max_frame_bytes: 4_194_304, stale_after_ms: 500 },
    server_time_ms: 0,
    robot: {},
    model: {
      id: 'tabletop-v1',
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
        rotation: 'euler_xyz',
        gripper: 'absolute_0_closed_1_open',
        pose: { position: [0, 1, 2], rotation: [3, 4, 5], gripper: 6 },
      },
    },
  };
}

export function action(seq: number, observation: Observation, values: readonly number[]): ServerMessage {
  return {
    type: 'action',
    seq,
    observation_seq: observation.seq,
    values: Float64Array.from(values),
    age_ms: 1,
    safety: { score: 1, checks_passed: 4, flags: [], clamped: seq % 2 === 0 },
    latency: { queue_ms: 0, inference_ms: 0, total_ms: 0 },
    log_id: seq,
  };
}

export function hold(seq: number, values: readonly number[]): ServerMessage {
  return { type: 'hold', seq, reason: 'starved', values: Float64Array.from(values) };
}
