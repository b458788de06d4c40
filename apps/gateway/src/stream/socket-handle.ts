import type { WebSocket } from 'uWebSockets.js';

export interface BufferLimits {
  /** Above this many buffered bytes, ticks are shed (S8). */
  readonly soft: number;
  /** Above this many the connection is given up with 4508 (S8). */
  readonly hard: number;
}

export type SendResult = 'sent' | 'shed' | 'closed';

/** uWS cuts close reasons beyond 123 bytes (RFC 6455 §5.5). */
const MAX_REASON_BYTES = 120;

/**
 * One socket. uWS throws when a closed socket is touched and drops frames over its limit without a word, so every use
 * goes through here: the handle is emptied on close, and a full buffer sheds or closes but never loses an ordered frame.
 */
export class SocketHandle<UserData = unknown> {
  #ws: WebSocket<UserData> | null;
  readonly #limits: BufferLimits;
  #overSoftSince: number | null = null;
  #endedAt: number | null = null;

  constructor(ws: WebSocket<UserData>, limits: BufferLimits) {
    this.#ws = ws;
    this.#limits = limits;
  }

  get open(): boolean {
    return this.#ws !== null && this.#endedAt === null;
  }

  /** Whether a tick may be sent now; asked before the governor moves, so that a shed tick is a gap and not lost motion. */
  congested(nowMs: number): boolean {
    if (this.#ws === null) return true;
    if (this.#ws.getBufferedAmount() <= this.#limits.soft) {
      this.#overSoftSince = null;
      return false;
    }
    this.#overSoftSince ??= nowMs;
    return true;
  }

  /** How long the buffer has stayed above the soft limit, ms. */
  congestedFor(nowMs: number): number {
    return this.#overSoftSince === null ? 0 : nowMs - this.#overSoftSince;
  }

  /** Sends one binary frame, in order. Over the hard limit the connection ends with 4508 instead. */
  send(bytes: Uint8Array, nowMs: number): SendResult {
    if (this.#ws === null || this.#endedAt !== null) return 'closed';
    if (this.#ws.getBufferedAmount() + bytes.byteLength > this.#limits.hard) {
      this.end(4508, 'slow consumer', nowMs);
      return 'closed';
    }
    return this.#write(bytes, nowMs);
  }

  /** For what is sent right after `congested` said no: the buffer need not be asked again. */
  sendUncongested(bytes: Uint8Array, nowMs: number): SendResult {
    if (bytes.byteLength > this.#limits.hard - this.#limits.soft) return this.send(bytes, nowMs);
    return this.#ws === null || this.#endedAt !== null ? 'closed' : this.#write(bytes, nowMs);
  }

  #write(bytes: Uint8Array, nowMs: number): SendResult {
    // 1 written, 0 queued in user space, 2 dropped: the last cannot happen below the hard limit, and if it does the stream has a hole.
    if (this.#ws?.send(bytes, true, false) === 2) {
      this.end(4508, 'slow consumer', nowMs);
      return 'closed';
    }
    return 'sent';
  }

  /** One text frame, for wires that have any; under the same bounds as `send`. */
  sendText(text: string, nowMs: number): void {
    if (this.#ws === null || this.#endedAt !== null) return;
    const bytes = Buffer.byteLength(text);
    if (this.#ws.getBufferedAmount() + bytes > this.#limits.hard || this.#ws.send(text, false, false) === 2)
      this.end(4508, 'slow consumer', nowMs);
  }

  ping(): void {
    if (this.#ws !== null && this.#endedAt === null) this.#ws.ping();
  }

  cork(work: () => void): void {
    if (this.#ws === null) return;
    this.#ws.cork(work);
  }

  end(code: number, reason: string, nowMs: number): void {
    if (this.#ws === null || this.#endedAt !== null) return;
    this.#endedAt = nowMs;
    this.#ws.end(code, reason.slice(0, MAX_REASON_BYTES));
  }

  /** Called from uWS's close event, after which the socket must not be touched. */
  forget(): void {
    this.#ws = null;
  }
}
