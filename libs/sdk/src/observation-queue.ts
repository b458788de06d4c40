import { SinewError } from '@sinew/protocol';
import type { Environment, TimerHandle } from './environment.js';
import type { Link } from './link.js';

/** More than this waiting in the socket, and the next frame waits here instead. */
const BACKED_UP_BYTES = 65_536;
/** Browsers do not tell when a socket has drained. */
const POLL_MS = 5;
/** S4: the server queues no more. */
const MAX_UNANSWERED = 4;

/** How observations leave: `paced` and `chunked` want the newest, `lockstep` every one. */
export interface ObservationQueue {
  /** Throws `overflow` where every observation counts and too many wait. */
  offer(seq: number, frame: Uint8Array): void;
  /** The server answered this one, or with null the oldest. */
  answered(seq: number | null): void;
  clear(): void;
  stop(): void;
  /** Frames that wait for an answer, oldest first. */
  readonly unanswered: readonly Uint8Array[];
}

/** At most one frame waits for a socket that is backed up, and a newer one takes its place. */
export class LatestQueue implements ObservationQueue {
  readonly #link: Link;
  readonly #env: Environment;
  #waiting: Uint8Array | null = null;
  #timer: TimerHandle | null = null;
  readonly unanswered: readonly Uint8Array[] = [];
  /** Replaced by a newer one before it left. */
  superseded = 0;
  /** Made while the link was down; nobody would have used them afterwards. */
  unsent = 0;

  constructor(link: Link, env: Environment) {
    this.#link = link;
    this.#env = env;
  }

  offer(_seq: number, frame: Uint8Array): void {
    if (this.#waiting !== null) this.superseded++;
    this.#waiting = null;
    if (!this.#link.up) {
      this.unsent++;
      return;
    }
    if (this.#link.bufferedBytes <= BACKED_UP_BYTES) {
      this.#link.sendBytes(frame);
      return;
    }
    this.#waiting = frame;
    this.#poll();
  }

  answered(): void {}

  clear(): void {
    this.#waiting = null;
  }

  stop(): void {
    this.clear();
    if (this.#timer !== null) this.#env.clearTimeout(this.#timer);
    this.#timer = null;
  }

  #poll(): void {
    this.#timer ??= this.#env.setTimeout(() => {
      this.#timer = null;
      const frame = this.#waiting;
      if (frame === null) return;
      if (this.#link.bufferedBytes > BACKED_UP_BYTES) {
        this.#poll();
        return;
      }
      this.#waiting = null;
      this.#link.sendBytes(frame);
    }, POLL_MS);
  }
}

/** Every observation is sent and answered in order; a fifth without an answer is refused. */
export class LockstepQueue implements ObservationQueue {
  readonly #link: Link;
  #entries: { seq: number; frame: Uint8Array }[] = [];

  constructor(link: Link) {
    this.#link = link;
  }

  get unanswered(): readonly Uint8Array[] {
    return this.#entries.map(({ frame }) => frame);
  }

  offer(seq: number, frame: Uint8Array): void {
    if (this.#entries.length >= MAX_UNANSWERED) {
      throw new SinewError('overflow', `${MAX_UNANSWERED} observations wait for their chunks; take those first`);
    }
    this.#entries.push({ seq, frame });
    if (this.#link.up) this.#link.sendBytes(frame);
  }

  answered(seq: number | null): void {
    if (seq === null) this.#entries.shift();
    else this.#entries = this.#entries.filter((entry) => entry.seq > seq);
  }

  clear(): void {
    this.#entries = [];
  }

  stop(): void {
    this.clear();
  }
}
