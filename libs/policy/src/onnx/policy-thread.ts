import { Worker } from 'node:worker_threads';
import { GraphGate } from './graph-gate.js';
import type { BatchMessage, ToWorker, WorkerMessage, WorkerSetup } from './messages.js';

export interface ThreadEvents {
  message(message: WorkerMessage): void;
  /** The thread ended without having been asked to. */
  ended(reason: string): void;
}

/** One worker thread, and the care that ending it needs. After `end` it raises no event. */
export class PolicyThread {
  readonly #worker: Worker;
  readonly #gate = new GraphGate();
  readonly #exited: Promise<void>;
  #asked = false;

  constructor(entry: URL, setup: Omit<WorkerSetup, 'gate'>, events: ThreadEvents) {
    const workerData: WorkerSetup = { ...setup, gate: this.#gate.cell };
    this.#worker = new Worker(entry, { workerData, name: 'policy' });
    let reason = 'the thread ended';
    this.#worker.on('message', (message: WorkerMessage) => {
      if (!this.#asked) events.message(message);
    });
    this.#worker.on('error', (error) => {
      reason = error instanceof Error ? error.message : String(error);
    });
    this.#exited = new Promise((resolve) => {
      this.#worker.on('exit', () => {
        resolve();
        if (!this.#asked) events.ended(reason);
      });
    });
  }

  send(message: BatchMessage): void {
    const { slab, staging } = message;
    this.#post(message, staging === null ? [slab] : [slab, staging]);
  }

  /**
   * Ends the thread; resolves when it has ended. One that is inside the graph ends itself when that returns: it is then
   * no reason to keep the process alive, and `end` stays pending for as long.
   */
  async end(): Promise<void> {
    this.#asked = true;
    if (this.#gate.shut()) await this.#worker.terminate();
    else {
      this.#post({ kind: 'close' });
      this.#worker.unref();
      await this.#exited;
    }
  }

  #post(message: ToWorker, transfer: ArrayBuffer[] = []): void {
    this.#worker.postMessage(message, transfer);
  }
}
