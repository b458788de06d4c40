import { ERRORS, type ErrorCode, encodeServerMessage, type ServerMessage, type WireFault } from '@sinew/protocol';
import type { Clock } from '../clock.js';
import type { SocketHandle } from '../stream/socket-handle.js';

/** A notice of one code leaves at most this often, ms; what came in between is in the counters. */
const NOTICE_EVERY_MS = 1_000;

/** What a session says to its client, whatever wire that speaks. Without a socket it says nothing. */
export interface Outbox {
  /** False where it did not leave. */
  send(message: ServerMessage): boolean;
  fault(fault: WireFault): void;
  fail(code: ErrorCode, message: string, observationSeq?: number): void;
  notice(code: string, message: string): void;
}

/** On `sinew.v1`. */
export class NativeOutbox implements Outbox {
  readonly #socket: () => SocketHandle | null;
  readonly #clock: Clock;
  readonly #noticed = new Map<string, number>();

  constructor(socket: () => SocketHandle | null, clock: Clock) {
    this.#socket = socket;
    this.#clock = clock;
  }

  send(message: ServerMessage): boolean {
    const socket = this.#socket();
    return socket !== null && socket.send(encodeServerMessage(message), this.#clock.now()) === 'sent';
  }

  fault({ code, message, fatal, field, reason, observation_seq }: WireFault): void {
    this.send({
      type: 'error',
      code,
      message,
      fatal,
      ...(field === undefined ? {} : { field }),
      ...(reason === undefined ? {} : { reason }),
      ...(observation_seq === undefined ? {} : { observation_seq }),
    });
  }

  fail(code: ErrorCode, message: string, observationSeq?: number): void {
    this.fault({
      code,
      message,
      fatal: ERRORS[code].fatal,
      ...(observationSeq === undefined ? {} : { observation_seq: observationSeq }),
    });
  }

  notice(code: string, message: string): void {
    const now = this.#clock.now();
    const last = this.#noticed.get(code);
    if (last !== undefined && now - last < NOTICE_EVERY_MS) return;
    this.#noticed.set(code, now);
    this.send({ type: 'notice', code, message });
  }
}
