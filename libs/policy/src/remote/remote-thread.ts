import { Worker } from 'node:worker_threads';
import type { FromRemote, RemoteSetup, ToRemote } from './messages.js';

/** Before a thread that ended is started again. */
const RESTART_MS = 500;
/** How long `end` waits for a thread to end by itself. */
const PATIENCE_MS = 1_000;

export interface RemoteThreadEvents {
  message(message: FromRemote): void;
  /** The thread ended without having been asked to; another follows. */
  ended(reason: string): void;
}

/** What talks to the servers, as the backend sees it. */
export interface Remote {
  start(): void;
  send(message: ToRemote, transfer: ArrayBuffer[]): void;
  /** It does not answer any more: another takes its place. */
  replace(reason: string): void;
  end(): Promise<void>;
}

/** The thread that talks to the servers, and its successor where it ends. */
export class RemoteThread implements Remote {
  readonly #entry: URL;
  readonly #setup: RemoteSetup;
  readonly #events: RemoteThreadEvents;
  #worker: Worker | null = null;
  #restart: NodeJS.Timeout | undefined;
  #asked = false;

  constructor(entry: URL, setup: RemoteSetup, events: RemoteThreadEvents) {
    this.#entry = entry;
    this.#setup = setup;
    this.#events = events;
  }

  start(): void {
    const worker = new Worker(this.#entry, { workerData: this.#setup, name: 'remote policy' });
    this.#worker = worker;
    let reason = 'the thread ended';
    worker.on('message', (message: FromRemote) => {
      if (this.#worker === worker) this.#events.message(message);
    });
    worker.on('error', (error) => {
      reason = error instanceof Error ? error.message : String(error);
    });
    worker.on('exit', () => {
      if (this.#worker === worker) this.#ended(reason);
    });
  }

  send(message: ToRemote, transfer: ArrayBuffer[]): void {
    this.#worker?.postMessage(message, transfer);
  }

  /** Its successor does not wait for its end. */
  replace(reason: string): void {
    const worker = this.#worker;
    if (worker === null) return;
    this.#ended(reason);
    void worker.terminate();
  }

  async end(): Promise<void> {
    this.#asked = true;
    clearTimeout(this.#restart);
    const worker = this.#worker;
    this.#worker = null;
    if (worker === null) return;
    const exited = new Promise((resolve) => worker.once('exit', resolve));
    worker.postMessage({ kind: 'close' } satisfies ToRemote);
    const patience = setTimeout(() => void worker.terminate(), PATIENCE_MS);
    await exited;
    clearTimeout(patience);
  }

  #ended(reason: string): void {
    this.#worker = null;
    if (this.#asked) return;
    this.#restart = setTimeout(() => this.start(), RESTART_MS);
    this.#restart.unref();
    this.#events.ended(reason);
  }
}
