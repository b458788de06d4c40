import { once } from 'node:events';
import type { Socket } from 'node:net';
import type { Backend } from './backend.js';
import { ClientSession } from './client-session.js';
import { readStartUp, samePassword } from './start-up.js';
import {
  authenticationCleartext,
  authenticationOk,
  backendKeyData,
  COPY_MESSAGES,
  errorResponse,
  FLUSH,
  FRONTEND,
  PASSWORD,
  type PgErrorFields,
  ProtocolViolation,
  parameterStatus,
  readCString,
  readyForQuery,
  SYNC,
  splitMessagesBorrow,
  TERMINATE,
} from './wire-frames.js';

/** Starts a timer, answers how to stop it. Comes in from outside so that tests own the time. */
export type StartTimer = (ms: number, fire: () => void) => () => void;

export interface ConnectionRules {
  readonly user: string;
  readonly database: string;
  readonly password: string;
  /** Told to every client at its start. */
  readonly parameters: ReadonlyMap<string, string>;
  readonly idleInTransactionMs: number;
  readonly authenticationMs: number;
  readonly maxMessageBytes: number;
  readonly startTimer: StartTimer;
  /** The engine threw: its memory can no longer be trusted. */
  readonly engineFailed: (cause: unknown) => void;
}

/** How much a client may send ahead of what was executed before its socket is paused. */
const READ_AHEAD_BYTES = 4 << 20;
/** For the last words to a client; one that does not read them is cut off. */
export const CLOSE_GRACE_MS = 1_000;
const MAX_PASSWORD_BYTES = 10_000;
const KNOWN: ReadonlySet<number> = new Set<number>([...Object.values(FRONTEND), SYNC, FLUSH, TERMINATE]);

type Phase =
  | { readonly kind: 'start' }
  | { readonly kind: 'password'; readonly settings: ReadonlyMap<string, string> }
  | { readonly kind: 'ready'; readonly session: ClientSession }
  | { readonly kind: 'ended'; readonly session: ClientSession | null };

/** One client's socket, from its first byte to its last trace in the shared session. */
export class Connection {
  readonly #id: number;
  readonly #socket: Socket;
  readonly #backend: Backend;
  readonly #rules: ConnectionRules;
  #phase: Phase = { kind: 'start' };
  /** Read, but not yet cut into messages; and how much of it there must be before cutting is worth a copy. */
  #unread: Buffer[] = [];
  #unreadBytes = 0;
  #wantedBytes = 0;
  readonly #inbox: Buffer[] = [];
  #inboxBytes = 0;
  #pumping = false;
  #stopTimer: () => void;
  /** Aborted by `end`: nothing waits on this client any more. */
  readonly #ending = new AbortController();
  #done = false;
  #resolveCleared: () => void = () => undefined;
  /** Resolves when the client is gone and nothing of it is left in the session. */
  readonly cleared = new Promise<void>((resolve) => {
    this.#resolveCleared = resolve;
  });

  constructor(id: number, socket: Socket, backend: Backend, rules: ConnectionRules) {
    this.#id = id;
    this.#socket = socket;
    this.#backend = backend;
    this.#rules = rules;
    this.#stopTimer = rules.startTimer(rules.authenticationMs, () => socket.destroy());
    socket.setNoDelay(true);
    socket.on('data', (bytes) => this.#read(bytes));
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.#pump());
  }

  /** Ends the connection from the server's side. */
  end(error: PgErrorFields | null): void {
    if (this.#phase.kind === 'ended') return;
    this.#phase = { kind: 'ended', session: this.#phase.kind === 'ready' ? this.#phase.session : null };
    this.#stopTimer();
    if (error !== null) this.#send(errorResponse(error));
    this.#ending.abort();
    this.#socket.destroySoon();
    if (!this.#socket.destroyed)
      this.#socket.once(
        'close',
        this.#rules.startTimer(CLOSE_GRACE_MS, () => this.#socket.destroy()),
      );
    this.#pump();
  }

  #send(bytes: Buffer): void {
    if (this.#socket.writable) this.#socket.write(bytes);
  }

  #read(bytes: Buffer): void {
    this.#unread.push(bytes);
    this.#unreadBytes += bytes.length;
    if (this.#unreadBytes >= this.#wantedBytes) this.#cut(Buffer.concat(this.#unread));
    if (this.#inboxBytes > READ_AHEAD_BYTES) this.#socket.pause();
    // Also for a part of a message: an owner in the middle of sending is not idle.
    this.#pump();
  }

  #cut(bytes: Buffer): void {
    let rest = bytes;
    this.#wantedBytes = 0;
    try {
      for (let used = -1; used !== 0 && this.#phase.kind === 'start'; rest = rest.subarray(used))
        used = this.#startUp(rest);
      if (this.#phase.kind === 'password' || this.#phase.kind === 'ready') {
        const limit = this.#phase.kind === 'password' ? MAX_PASSWORD_BYTES : this.#rules.maxMessageBytes;
        const split = splitMessagesBorrow(rest, limit);
        rest = split.rest;
        if (rest.length >= 5) this.#wantedBytes = 1 + rest.readInt32BE(1);
        for (const one of split.messages) this.#receive(one);
      }
    } catch (error) {
      if (!(error instanceof ProtocolViolation)) throw error;
      this.end({ severity: 'FATAL', code: '08P01', message: `protocol violation: ${error.message}` });
    }
    this.#unread = [rest];
    this.#unreadBytes = rest.length;
  }

  /** Answers how many bytes it took; 0 when there is nothing more of this phase to read. */
  #startUp(bytes: Buffer): number {
    const step = readStartUp(bytes);
    switch (step.kind) {
      case 'incomplete':
        return 0;
      case 'no_encryption':
        this.#send(Buffer.from('N'));
        return step.bytes;
      case 'cancel':
        this.end(null);
        return 0;
      case 'refused':
        this.end(step.error);
        return 0;
      case 'start':
        if (step.user !== this.#rules.user) {
          this.end({ severity: 'FATAL', code: '28000', message: `role "${step.user}" may not log in here` });
        } else if (step.database !== this.#rules.database) {
          this.end({ severity: 'FATAL', code: '3D000', message: `database "${step.database}" does not exist` });
        } else {
          this.#phase = { kind: 'password', settings: step.settings };
          this.#send(authenticationCleartext());
        }
        return step.bytes;
    }
  }

  #receive(one: Buffer): void {
    const type = one[0] ?? 0;
    if (this.#phase.kind === 'password') this.#authenticate(one, this.#phase.settings);
    // Left over from a refused COPY; the backend would skip them as well.
    else if (this.#phase.kind !== 'ready' || COPY_MESSAGES.has(type)) return;
    else if (KNOWN.has(type)) {
      this.#inbox.push(one);
      this.#inboxBytes += one.length;
    } else this.end({ severity: 'FATAL', code: '08P01', message: `invalid frontend message type ${type}` });
  }

  #authenticate(reply: Buffer, settings: ReadonlyMap<string, string>): void {
    if (reply[0] !== PASSWORD || !samePassword(readCString(reply, 5).text, this.#rules.password)) {
      this.end({ severity: 'FATAL', code: '28P01', message: 'password authentication failed' });
      return;
    }
    this.#stopTimer();
    const session = new ClientSession(this.#id, this.#backend, settings, (bytes) => this.#send(bytes));
    this.#phase = { kind: 'ready', session };
    const parameters = [...this.#rules.parameters].map(([name, value]) => parameterStatus(name, value));
    this.#send(Buffer.concat([authenticationOk(), ...parameters, backendKeyData(this.#id, 0), readyForQuery('I')]));
  }

  /** Runs the inbox until it is empty, one pump at a time; then, if the client is gone, clears up after it. */
  #pump(): void {
    if (this.#pumping || this.#done) return;
    this.#pumping = true;
    this.#runInbox()
      .catch((cause: unknown) => {
        this.#finish();
        this.#socket.destroy();
        this.#rules.engineFailed(cause);
      })
      .finally(() => {
        this.#pumping = false;
        // What arrived, or left, while the pump was on its last steps.
        if (this.#inbox.length > 0 || this.#phase.kind === 'ended' || this.#socket.destroyed) this.#pump();
      });
  }

  async #runInbox(): Promise<void> {
    const session = 'session' in this.#phase ? this.#phase.session : null;
    if (session !== null) {
      this.#stopTimer();
      while (this.#phase.kind === 'ready' && this.#inbox.length > 0) {
        const batch = this.#nextBatch();
        if (batch.length === 0) this.end(null);
        else if (!(await session.run(batch))) this.end(null);
        if (this.#inboxBytes <= READ_AHEAD_BYTES) this.#socket.resume();
        if (session.ownsTurn) this.#watchIdle();
        await this.#written();
        this.#stopTimer();
      }
    }
    if (this.#phase.kind === 'ended' || this.#socket.destroyed) await this.#clearUp(session);
    else if (session?.ownsTurn) this.#watchIdle();
  }

  /** Messages up to the next one that the client waits on; empty when the next one is its good-bye. */
  #nextBatch(): Buffer[] {
    const batch: Buffer[] = [];
    for (let one = this.#inbox[0]; one !== undefined; one = this.#inbox[0]) {
      const type = one[0];
      if (type === TERMINATE && batch.length > 0) break;
      this.#inbox.shift();
      this.#inboxBytes -= one.length;
      if (type === TERMINATE) break;
      batch.push(one);
      if (type === SYNC || type === FRONTEND.query || type === FLUSH) break;
    }
    return batch;
  }

  /** An open transaction keeps everybody else waiting. */
  #watchIdle(): void {
    this.#stopTimer();
    this.#stopTimer = this.#rules.startTimer(this.#rules.idleInTransactionMs, () =>
      this.end({
        severity: 'FATAL',
        code: '57P05',
        message: 'terminating connection due to idle-in-transaction timeout',
      }),
    );
  }

  /** A client that does not read is not served further, until it is gone or ended. */
  async #written(): Promise<void> {
    if (!this.#socket.writableNeedDrain || this.#socket.destroyed) return;
    const stop = new AbortController();
    const signal = AbortSignal.any([stop.signal, this.#ending.signal]);
    await Promise.race([once(this.#socket, 'drain', { signal }), once(this.#socket, 'close', { signal })]).catch(
      () => undefined,
    );
    stop.abort();
  }

  async #clearUp(session: ClientSession | null): Promise<void> {
    this.#stopTimer();
    this.#phase = { kind: 'ended', session: null };
    await session?.abandonTurn();
    await session?.forget();
    this.#finish();
  }

  #finish(): void {
    this.#done = true;
    this.#resolveCleared();
  }
}
