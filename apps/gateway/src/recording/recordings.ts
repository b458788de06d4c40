import { existsSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { ConsentCache } from '@sinew/privacy';
import { scrubText } from '@sinew/privacy';
import type { Logger, Metrics } from '@sinew/telemetry';
import type { AuthResult, Principal } from '../auth.js';
import type { Clock } from '../clock.js';
import type { Session } from '../session/session.js';
import { FanOut } from './fan-out.js';
import { LiveRecording } from './live-recording.js';
import { Parts } from './parts.js';
import type { ErasedRecordings, RecorderAnswer, RecorderOrder } from './recorder-orders.js';
import { type RecorderThread, startRecorder } from './recorder-thread.js';
import { recordingName } from './recording-files.js';
import { sessionHead } from './session-head.js';

export interface RecordingStore {
  /** With a folder a customer. */
  readonly dir: string;
  readonly budgetBytes: number;
  /** Of its disk that stays free: a journal that finds none stops every robot. */
  readonly reserveBytes: number;
}

export interface RecordingsDeps {
  readonly clock: Clock;
  readonly consents: ConsentCache;
  readonly metrics: Metrics;
  readonly log: Logger;
  /** Where recordings are kept; null: nowhere. */
  readonly store: RecordingStore | null;
}

interface Live {
  /** Who gets it; of a file its session's own. */
  readonly principal: Principal;
  readonly session: Session;
  readonly tap: LiveRecording;
  /** Null: into a file. */
  readonly parts: Parts | null;
  readonly ended: Promise<void>;
  readonly resolve: () => void;
  readonly end: () => void;
}

/** How often what happened goes to the thread. */
const HAND_ON_MS = 100;
/** What is sent to clients at a time; each may keep its backlog in memory. */
export const MOST_STREAMS = 32;
/** For the thread to end the files of the last sessions. */
const CLOSE_MS = 2_000;
const MEASURE_AGAIN_MS = 60_000;
const LOOK_AT_DISK_MS = 5_000;

/**
 * Recordings of sessions: into files here for customers that are recorded, and to whoever asks for one of its own sessions. Without
 * either there is no thread, no timer, and no tap.
 */
export class Recordings {
  readonly #deps: RecordingsDeps;
  readonly #live = new Map<number, Live>();
  readonly #asked = new Map<number, (answer: RecorderAnswer | null) => void>();
  #thread: RecorderThread | null = null;
  #timer: NodeJS.Timeout | null = null;
  #lastId = 0;
  #storedBytes = 0;
  #measuredMs = Number.NEGATIVE_INFINITY;
  #full = false;
  #lookedMs = Number.NEGATIVE_INFINITY;

  constructor(deps: RecordingsDeps) {
    this.#deps = deps;
  }

  get streams(): number {
    return [...this.#live.values()].filter(({ parts }) => parts !== null).length;
  }

  /** Bytes in memory of all recordings, on their way to disk or client. */
  get backlog(): number {
    return [...this.#live.values()].reduce((sum, { tap }) => sum + tap.backlog, 0);
  }

  /** Ends what an earlier process left unended, and learns how much there is. */
  async recover(): Promise<void> {
    const { clock, log, store } = this.#deps;
    if (store === null || !existsSync(store.dir)) return;
    this.#measuredMs = clock.now();
    const answer = await this.#ask({ op: 'recover', id: ++this.#lastId, dir: store.dir });
    if (answer?.op !== 'recovered') return;
    this.#full = false;
    this.#stored(answer.bytes - this.#storedBytes);
    if (answer.files > 0) log.info({ recordings: answer.files }, 'recordings of before were ended');
    for (const failure of answer.failures) log.error({ failure }, 'a recording of before cannot be ended');
  }

  /** A session begins: it is recorded here where its customer is to be. */
  opened(session: Session): void {
    const { clock, consents, log, metrics, store } = this.#deps;
    const { principal } = session.profile;
    if (!principal.recorded || store === null) return;
    if (this.#full || this.#storedBytes >= store.budgetBytes) {
      metrics.recordingsRefused.inc();
      if (clock.now() - this.#measuredMs > MEASURE_AGAIN_MS) void this.recover();
      return;
    }
    const { customerId } = principal;
    const words = (text: string): string =>
      consents.mayStore(customerId, 'instruction_text') ? text : scrubText(text);
    const path = join(store.dir, customerId, recordingName(session.id, clock.now()));
    const live = this.#begin(session, { principal, path, images: false, words });
    live.tap.say('INFO', 'without images: here only anonymised ones may be kept, and nothing anonymises them');
    log.info({ session_id: session.id, customer_id: customerId, path }, 'recording');
  }

  /** A session as it goes on, for its customer: nothing of it is kept here. Ends with the session, or with who reads it. */
  async *stream(
    session: Session,
    principal: Principal,
    images: boolean,
    signal: AbortSignal,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    const parts = new Parts(signal);
    const live = this.#begin(session, { principal, path: null, images, words: (text) => text, parts });
    try {
      for await (const part of parts) {
        yield part;
        live.tap.underWay(-part.length);
      }
    } finally {
      live.end();
    }
  }

  /** Ends what goes to a key that has ended, and what is kept of customers that are recorded no more. */
  async recheck(again: (principal: Principal) => Promise<AuthResult>): Promise<void> {
    await Promise.all(
      [...this.#live.values()].map(async ({ end, parts, principal, tap }) => {
        const now = await again(principal);
        const over =
          parts === null
            ? now.kind === 'ok' && now.principal.recorded !== true
            : now.kind === 'revoked' || now.kind === 'unknown';
        if (!over) return;
        tap.say('INFO', parts === null ? 'recording was switched off' : 'the key that it was sent to has ended');
        end();
      }),
    );
  }

  /** Removes stored recordings of a customer. Rejects where one could not be removed. */
  async erase(customerId: string, what: ErasedRecordings): Promise<number> {
    const { store } = this.#deps;
    // Where no thread was ever needed and no folder was made, nothing was recorded.
    if (store === null || (this.#thread === null && !existsSync(store.dir))) return 0;
    // What is on its way to the thread may be what is to go.
    this.#handOn();
    const answer = await this.#ask({ op: 'erase', id: ++this.#lastId, dir: join(store.dir, customerId), what });
    if (answer?.op !== 'erased') throw new Error('recordings cannot be erased now: their thread has ended');
    for (const id of answer.ended) this.#gone(id);
    this.#stored(-answer.bytes);
    if (answer.failure !== null) throw new Error(answer.failure);
    return answer.files;
  }

  /** Sessions have ended: so do their recordings, and the thread. */
  async close(): Promise<void> {
    const ends = [...this.#live.values()].map(({ end, ended }) => {
      end();
      return ended;
    });
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, CLOSE_MS);
    });
    await Promise.race([Promise.all(ends), patience]);
    clearTimeout(timer);
    await this.#thread?.close();
    this.#thread = null;
    this.#lost(null);
  }

  #begin(
    session: Session,
    how: { principal: Principal; path: string | null; images: boolean; words: (text: string) => string; parts?: Parts },
  ): Live {
    const { clock, log, metrics } = this.#deps;
    const id = ++this.#lastId;
    let resolve = (): void => {};
    const ended = new Promise<void>((done) => {
      resolve = done;
    });
    const tap = new LiveRecording(session, {
      now: () => clock.now(),
      images: how.images,
      words: how.words,
      send: (moments, cost, transfer) => this.#order({ op: 'add', id, cost, moments }, transfer),
      finished: () => {
        FanOut.detach(session, tap);
        this.#order({ op: 'end', id });
      },
      failed: (error) => log.error({ err: error, session_id: session.id }, 'a recording failed, and ends'),
      dropped: (what) => metrics.recordingDropped.inc({ what }),
    });
    const live: Live = {
      principal: how.principal,
      session,
      tap,
      parts: how.parts ?? null,
      ended,
      resolve,
      end: () => tap.ended(),
    };
    this.#live.set(id, live);
    const head = sessionHead(session, how.words(session.instruction), how.images);
    this.#order({ op: 'begin', id, head, path: how.path });
    FanOut.attach(session, tap);
    tap.say('INFO', `recording begins; instruction: ${how.words(session.instruction)}`);
    metrics.recordings.set(this.#live.size);
    this.#timer ??= setInterval(() => this.#handOn(), HAND_ON_MS).unref();
    return live;
  }

  #handOn(): void {
    for (const { tap } of this.#live.values()) tap.flush();
    const now = this.#deps.clock.now();
    if (now - this.#lookedMs < LOOK_AT_DISK_MS) return;
    this.#lookedMs = now;
    this.#lookAtDisk().catch((error: unknown) => this.#deps.log.warn({ err: error }, 'free disk cannot be told'));
  }

  async #lookAtDisk(): Promise<void> {
    const { log, store } = this.#deps;
    if (store === null || this.#live.size === this.streams) return;
    // The folder around it: its own is made with the first file.
    const { bavail, bsize } = await statfs(dirname(store.dir));
    const freeBytes = bavail * bsize;
    if (freeBytes >= store.reserveBytes || this.#full) return;
    log.error({ free_bytes: freeBytes }, 'the disk is nearly full: nothing more is recorded here');
    this.#stopHere();
  }

  #stopHere(): void {
    this.#full = true;
    for (const { end, parts } of this.#live.values()) if (parts === null) end();
  }

  #order(order: RecorderOrder, transfer: readonly ArrayBuffer[] = []): void {
    this.#thread ??= startRecorder(
      (answer) => this.#answered(answer),
      (error) => {
        this.#deps.log.error({ err: error }, 'recordings ended: their thread has');
        this.#thread = null;
        this.#lost(error);
      },
    );
    this.#thread.order(order, transfer);
  }

  #ask(order: RecorderOrder): Promise<RecorderAnswer | null> {
    return new Promise((resolve) => {
      this.#asked.set(order.id, resolve);
      this.#order(order);
    });
  }

  #answered(answer: RecorderAnswer): void {
    switch (answer.op) {
      case 'took':
        return this.#took(answer);
      case 'ended': {
        const { failure, id, messages } = answer;
        const live = this.#live.get(id);
        if (live === undefined) return;
        const about = { session_id: live.session.id, messages, streamed: live.parts !== null };
        if (failure === null) this.#deps.log.info(about, 'recording ended');
        else this.#deps.log.error({ ...about, failure }, 'recording failed');
        live.parts?.end(failure === null ? null : new Error(failure));
        return this.#gone(id);
      }
      default:
        this.#asked.get(answer.id)?.(answer);
        this.#asked.delete(answer.id);
    }
  }

  #took({ cost, id, parts, written }: Extract<RecorderAnswer, { op: 'took' }>): void {
    const live = this.#live.get(id);
    if (live === undefined) return;
    live.tap.underWay(-cost);
    if (live.parts === null) return this.#stored(written);
    for (const part of parts) if (live.parts.push(part)) live.tap.underWay(part.length);
  }

  #stored(more: number): void {
    const { log, metrics, store } = this.#deps;
    this.#storedBytes += more;
    metrics.recordingBytes.set(this.#storedBytes);
    const full = store !== null && this.#storedBytes >= store.budgetBytes;
    if (full && !this.#full) {
      log.error({ bytes: this.#storedBytes }, 'recordings have reached their budget: nothing more is recorded here');
      this.#stopHere();
    }
  }

  #gone(id: number): void {
    const live = this.#live.get(id);
    if (live === undefined) return;
    this.#live.delete(id);
    FanOut.detach(live.session, live.tap);
    live.resolve();
    this.#deps.metrics.recordings.set(this.#live.size);
    if (this.#live.size > 0 || this.#timer === null) return;
    clearInterval(this.#timer);
    this.#timer = null;
  }

  /** Nothing more comes from the thread. */
  #lost(error: Error | null): void {
    for (const [id, { parts }] of [...this.#live]) {
      parts?.end(error);
      this.#gone(id);
    }
    for (const answer of this.#asked.values()) answer(null);
    this.#asked.clear();
  }
}
