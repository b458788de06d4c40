import {
  CLOSE_CODES,
  type ClientMessage,
  type Closed,
  decodeServerFrame,
  type ErrorCode,
  type ErrorMessage,
  encodeClientMessage,
  type FreshOpen,
  type Opened,
  type Ping,
  type Pong,
  type ServerMessage,
  SinewError,
} from '@sinew/protocol';
import { backoffMs } from './backoff.js';
import type { Environment, TimerHandle } from './environment.js';
import type { ServerClock } from './server-clock.js';
import { ConnectionError, type Socket, type SocketEnd } from './socket.js';

export type LinkError = SinewError | ConnectionError;

export interface LinkListener {
  /** The `open` of a new session, made anew for every attempt. */
  openMessage(): FreshOpen;
  opened(opened: Opened): void;
  /** Every message of an open session but `opened`, `pong` and `closed`. */
  received(message: ServerMessage): void;
  /** Any frame at all. */
  heard(): void;
  lost(): void;
  reconnecting(attempt: number, delayMs: number, error: LinkError): void;
  /** Nothing more will come; null after `close`. */
  ended(error: LinkError | null): void;
}

type State =
  | { readonly kind: 'opening'; readonly socket: Socket; readonly resuming: boolean }
  | { readonly kind: 'up'; readonly socket: Socket; readonly sinceMs: number }
  | { readonly kind: 'waiting' }
  | { readonly kind: 'ended' };

/** `opened` must come this soon after a connection attempt began. */
const OPEN_TIMEOUT_MS = 10_000;
/** Pings teach both sides the clocks and prove the link; W7 keeps the best of 16. */
const PING_MS = 1000;
const FASTEST_PING_MS = 100;
/** Nothing heard for so long, pongs included: the connection is dead however open it looks. */
const DEAD_AFTER_MS = 5000;
/** A link that held this long was a good one: the next loss starts the backoff over. */
const STABLE_MS = 5000;
/** Our own session of before may hold the robot until its resume window ends. */
const BUSY_PATIENCE_MS = 30_000;
const CLOSE_TIMEOUT_MS = 2000;

const CODE_OF_CLOSE: Readonly<Record<number, ErrorCode>> = {
  4400: 'bad_message',
  4401: 'key_revoked',
  4403: 'forbidden',
  4409: 'robot_busy',
  4422: 'validation_failed',
  4429: 'rate_limited',
  4500: 'internal',
  4503: 'draining',
  4508: 'slow_consumer',
};

/**
 * Keeps one session's connection: opens, pings, notices a dead peer, reconnects with backoff and jitter and resumes the
 * session (S7), or opens a new one where it is gone.
 */
export class Link {
  readonly #env: Environment;
  readonly #url: string;
  readonly #apiKey: string;
  readonly #clock: ServerClock;
  readonly #listener: LinkListener;
  #state: State = { kind: 'waiting' };
  /** How to take the session up again; null where there is none to take up. */
  #resume: { session_id: string; token: string } | null = null;
  #pingMs = PING_MS;
  #attempt = 0;
  #downSinceMs = 0;
  #everOpened = false;
  #heardMs = 0;
  #echo: Ping['echo'];
  /** The last fatal `error` of this socket: why the close that follows. */
  #fatal: SinewError | null = null;
  #closed: Closed | null = null;
  #closing: ((closed: Closed | null) => void) | null = null;
  /** The one timer: open timeout, next ping, next attempt or close timeout, by state. */
  #timer: TimerHandle | null = null;

  constructor(env: Environment, url: string, apiKey: string, clock: ServerClock, listener: LinkListener) {
    this.#env = env;
    this.#url = url;
    this.#apiKey = apiKey;
    this.#clock = clock;
    this.#listener = listener;
  }

  get up(): boolean {
    return this.#state.kind === 'up' && this.#closing === null;
  }

  get bufferedBytes(): number {
    return this.#state.kind === 'up' ? this.#state.socket.bufferedBytes : 0;
  }

  /** Starts the first attempt. A failure before the first `opened` ends the link: the caller learns it at once. */
  start(): void {
    this.#dial();
  }

  /** @returns whether it was sent; a message made while the link is down is not kept. */
  send(message: ClientMessage): boolean {
    return this.up && this.sendBytes(encodeClientMessage(message));
  }

  sendBytes(frame: Uint8Array): boolean {
    if (this.#state.kind !== 'up') return false;
    this.#state.socket.send(frame);
    return true;
  }

  /** Ends the link for a fault on this side. */
  abort(error: SinewError): void {
    this.#end(error);
  }

  /** Ends the session in order. @returns the server's farewell, or null where it could not be had. */
  close(): Promise<Closed | null> {
    if (this.#state.kind !== 'up') {
      this.#end(null);
      return Promise.resolve(this.#closed);
    }
    const { socket } = this.#state;
    this.send({ type: 'close' });
    return new Promise((resolve) => {
      this.#closing = resolve;
      this.#after(CLOSE_TIMEOUT_MS, () => socket.terminate());
    });
  }

  #dial(): void {
    this.#fatal = null;
    this.#closed = null;
    this.#echo = undefined;
    const resume = this.#resume;
    let current = true;
    const socket = this.#env.openSocket(this.#url, this.#apiKey, {
      opened: () => {
        if (!current) return;
        const message: ClientMessage = resume === null ? this.#listener.openMessage() : { type: 'open', resume };
        socket.send(encodeClientMessage(message));
      },
      frame: (bytes) => {
        if (current) this.#frame(bytes);
      },
      closed: (end) => {
        if (!current) return;
        current = false;
        this.#lost(end);
      },
    });
    this.#state = { kind: 'opening', socket, resuming: resume !== null };
    this.#after(OPEN_TIMEOUT_MS, () => socket.terminate());
  }

  #frame(bytes: Uint8Array): void {
    this.#heardMs = this.#env.now();
    const decoded = decodeServerFrame(bytes);
    if (!decoded.ok) {
      // a message of a newer server is not for us; anything else means that we no longer understand each other
      if (decoded.fault.code !== 'unknown_type') this.#broken(decoded.fault.message);
      return;
    }
    const { message } = decoded;
    if (message.type === 'opened') {
      this.#opened(message);
      return;
    }
    this.#listener.heard();
    if (message.type === 'pong') this.#pong(message);
    else if (message.type === 'closed') {
      this.#closed = message;
      if (!message.resumable) this.#resume = null;
    } else {
      if (message.type === 'error' && message.fatal) this.#fatal = errorOf(message);
      if (this.#state.kind === 'up') this.#listener.received(message);
    }
  }

  #opened(opened: Opened): void {
    const state = this.#state;
    if (state.kind !== 'opening') return;
    this.#state = { kind: 'up', socket: state.socket, sinceMs: this.#env.now() };
    this.#resume = { session_id: opened.session_id, token: opened.resume_token };
    this.#everOpened = true;
    this.#clock.reset();
    // often enough that a silent server is noticed within the stale time
    this.#pingMs = Math.max(FASTEST_PING_MS, Math.min(PING_MS, opened.limits.stale_after_ms / 3));
    this.#ping();
    this.#listener.heard();
    this.#listener.opened(opened);
  }

  #ping(): void {
    const state = this.#state;
    if (state.kind !== 'up' || this.#closing !== null) return;
    if (this.#env.now() - this.#heardMs > DEAD_AFTER_MS) {
      state.socket.terminate();
      return;
    }
    this.#sendPing();
    this.#after(this.#pingMs, () => this.#ping());
  }

  #sendPing(): void {
    const sent_at_ms = this.#env.now();
    this.send({ type: 'ping', sent_at_ms, ...(this.#echo === undefined ? {} : { echo: this.#echo }) });
  }

  #pong(pong: Pong): void {
    const isFirst = this.#echo === undefined;
    const now = this.#env.now();
    this.#echo = { server_time_ms: pong.server_time_ms, received_at_ms: now };
    this.#clock.onPong(pong, now);
    // the server learns the clocks from the echo: the first one goes at once
    if (isFirst) this.#sendPing();
  }

  #broken(message: string): void {
    this.#fatal = new SinewError('bad_message', `the server sent what is no message: ${message}`);
    if (this.#state.kind === 'up' || this.#state.kind === 'opening') this.#state.socket.terminate();
  }

  #lost(how: SocketEnd): void {
    const state = this.#state;
    if (state.kind === 'ended') return;
    this.#cancel();
    const now = this.#env.now();
    if (state.kind === 'up') {
      this.#downSinceMs = now;
      if (now - state.sinceMs >= STABLE_MS) this.#attempt = 0;
    }
    if (this.#closing !== null) {
      this.#end(null);
      return;
    }
    const error = this.#reason(how);
    if (state.kind === 'up') this.#listener.lost();
    if (!this.#everOpened || !this.#mayRetry(error, state)) {
      this.#end(error);
      return;
    }
    if (error instanceof SinewError && error.code === 'resume_failed') this.#resume = null;
    const delayMs = backoffMs(this.#attempt, this.#env.random);
    this.#state = { kind: 'waiting' };
    this.#listener.reconnecting(this.#attempt++, delayMs, error);
    this.#after(delayMs, () => this.#dial());
  }

  #reason({ code, reason, refusal }: SocketEnd): LinkError {
    if (refusal !== undefined) return refusal;
    if (this.#fatal !== null) return this.#fatal;
    const meaning = CODE_OF_CLOSE[code];
    if (meaning !== undefined) return new SinewError(meaning, reason || undefined);
    return new ConnectionError(`the connection ended (${code}${reason ? `: ${reason}` : ''})`, code);
  }

  #mayRetry(error: LinkError, state: State): boolean {
    if (error instanceof ConnectionError) return CLOSE_CODES[error.closeCode]?.reconnect ?? true;
    if (error.code === 'resume_failed') return state.kind === 'opening' && state.resuming;
    if (error.code === 'robot_busy')
      return state.kind === 'opening' && this.#env.now() - this.#downSinceMs < BUSY_PATIENCE_MS;
    return error.retry;
  }

  #end(error: LinkError | null): void {
    if (this.#state.kind === 'ended') return;
    const socket = 'socket' in this.#state ? this.#state.socket : null;
    this.#state = { kind: 'ended' };
    this.#cancel();
    socket?.terminate();
    this.#closing?.(this.#closed);
    this.#closing = null;
    this.#listener.ended(error);
  }

  #after(ms: number, run: () => void): void {
    this.#cancel();
    this.#timer = this.#env.setTimeout(() => {
      this.#timer = null;
      run();
    }, ms);
  }

  #cancel(): void {
    if (this.#timer !== null) this.#env.clearTimeout(this.#timer);
    this.#timer = null;
  }
}

/** A wire error as the SDK's. */
export function errorOf({ code, message, field, reason, details }: ErrorMessage): SinewError {
  return new SinewError(code, message, {
    ...(field === undefined ? {} : { field }),
    ...(reason === undefined ? {} : { reason }),
    ...(details === undefined ? {} : { details }),
  });
}
