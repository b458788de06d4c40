import {
  ERRORS,
  type ErrorCode,
  type HoldReason,
  type Opened,
  type ServerMessage,
  type WireFault,
} from '@sinew/protocol';
import { encodeOpenpi, float32Array, OpenpiFloat, type OpenpiValue } from '@sinew/protocol/openpi';
import type { Clock } from '../clock.js';
import type { Outbox } from '../session/outbox.js';
import { metadataOf } from './metadata.js';
import type { OpenpiSocket } from './openpi-socket.js';
import type { OpenpiParameters } from './parameters.js';

/** What a session says as an openpi server: metadata, one reply an observation, errors as text with which the socket ends. */
export class OpenpiOutbox implements Outbox {
  readonly #socket: OpenpiSocket;
  readonly #clock: Clock;
  readonly #parameters: OpenpiParameters;
  readonly #robotType: string;
  /** [H, D] of every reply. */
  #shape: readonly [number, number] = [0, 0];
  /** When the observation came whose reply has not left yet. */
  #arrivedMs: number | null = null;
  #previousMs: number | null = null;

  constructor(socket: OpenpiSocket, clock: Clock, parameters: OpenpiParameters, robotType: string) {
    this.#socket = socket;
    this.#clock = clock;
    this.#parameters = parameters;
    this.#robotType = robotType;
  }

  get awaited(): boolean {
    return this.#arrivedMs !== null;
  }

  /** An observation goes to the session: the next thing said is its reply. */
  await(arrivedMs: number): void {
    this.#arrivedMs = arrivedMs;
  }

  send(message: ServerMessage): boolean {
    switch (message.type) {
      case 'opened':
        return this.#greet(message);
      case 'chunk':
        return this.#reply(message.values, message.latency.inference_ms, null);
      case 'hold':
        return this.#reply(message.values, 0, message.reason);
      case 'error':
        this.fault(message);
        return true;
      default:
        // Notices, pongs, the counters at the end: there is no frame for them.
        return false;
    }
  }

  fault({ code, message }: WireFault): void {
    // Its observation is answered with a hold: policies fail and recover, and a client that was cut off does not come back.
    if (code === 'model_error') return;
    this.#socket.fail(code, message, this.#clock.now());
  }

  fail(code: ErrorCode, message: string): void {
    this.fault({ code, message, fatal: ERRORS[code].fatal });
  }

  notice(): void {}

  #greet(opened: Opened): boolean {
    const { action_dim, chunk_size } = opened.model;
    this.#shape = [chunk_size, action_dim];
    return this.#write(metadataOf(opened, this.#robotType, this.#parameters));
  }

  #reply(values: ArrayLike<number>, inferenceMs: number, hold: HoldReason | null): boolean {
    const arrivedMs = this.#arrivedMs ?? this.#clock.now();
    const actions = float32Array(this.#shape, values);
    this.#arrivedMs = null;
    const sent = this.#write(
      this.#parameters.dialect === 'roboarena'
        ? actions
        : {
            actions,
            policy_timing: { infer_ms: new OpenpiFloat(inferenceMs) },
            server_timing: {
              infer_ms: new OpenpiFloat(this.#clock.now() - arrivedMs),
              ...(this.#previousMs === null ? {} : { prev_total_ms: new OpenpiFloat(this.#previousMs) }),
            },
            ...(hold === null ? {} : { hold }),
          },
    );
    this.#previousMs = this.#clock.now() - arrivedMs;
    return sent;
  }

  #write(value: OpenpiValue): boolean {
    return this.#socket.send(encodeOpenpi(value), this.#clock.now()) === 'sent';
  }
}
