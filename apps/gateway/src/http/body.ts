import type { HttpResponse } from 'uWebSockets.js';

export type Body =
  | { readonly kind: 'ok'; readonly bytes: Buffer }
  | { readonly kind: 'too_large' }
  | { readonly kind: 'aborted' };

/** What is kept of a body before its sender is known; then the socket is read no further. */
const KEPT_BEFORE_ADMISSION = 65_536;

/**
 * A request's body. uWS hands it out only to who listens before the handler's first await, but a stranger's megabytes are
 * not worth keeping: until `read` the socket is paused after the first chunks, and after `drop` nothing is kept at all.
 */
export class IncomingBody {
  readonly #res: HttpResponse;
  readonly #maxBytes: number;
  readonly #signal: AbortSignal;
  #chunks: Buffer[] = [];
  #size = 0;
  #whole = false;
  #mode: 'waiting' | 'reading' | 'dropping' = 'waiting';
  #paused = false;
  #settle: ((body: Body) => void) | null = null;

  constructor(res: HttpResponse, maxBytes: number, signal: AbortSignal) {
    this.#res = res;
    this.#maxBytes = maxBytes;
    this.#signal = signal;
    res.onData((chunk, isLast) => this.#take(chunk, isLast));
    signal.addEventListener('abort', () => this.#decide(), { once: true });
  }

  /** All of it, once its sender may send it. Resolves as `aborted` when the client goes away. */
  read(): Promise<Body> {
    return new Promise((resolve) => {
      this.#settle = resolve;
      this.#mode = 'reading';
      this.#resume();
      this.#decide();
    });
  }

  /** Nobody wants it: what comes is thrown away, so that the client gets to read the answer. */
  drop(): void {
    this.#mode = 'dropping';
    this.#chunks = [];
    this.#resume();
  }

  #take(chunk: ArrayBuffer, isLast: boolean): void {
    this.#whole = isLast;
    if (this.#mode === 'dropping') return;
    this.#size += chunk.byteLength;
    if (this.#size <= this.#maxBytes) this.#chunks.push(Buffer.from(chunk.slice(0)));
    if (this.#mode === 'reading') this.#decide();
    else if (this.#size > KEPT_BEFORE_ADMISSION && !isLast && !this.#paused && !this.#signal.aborted) {
      this.#paused = true;
      this.#res.pause();
    }
  }

  #decide(): void {
    const settle = this.#settle;
    if (settle === null) return;
    const body = this.#outcome();
    if (body === null) return;
    this.#settle = null;
    if (body.kind !== 'ok') this.drop();
    settle(body);
  }

  #outcome(): Body | null {
    if (this.#signal.aborted) return { kind: 'aborted' };
    if (this.#size > this.#maxBytes) return { kind: 'too_large' };
    return this.#whole ? { kind: 'ok', bytes: Buffer.concat(this.#chunks) } : null;
  }

  #resume(): void {
    if (this.#paused && !this.#signal.aborted) this.#res.resume();
    this.#paused = false;
  }
}
