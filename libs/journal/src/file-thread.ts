import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from 'node:worker_threads';

export type FileOrder =
  | { readonly op: 'create'; readonly path: string; readonly head: Uint8Array }
  | {
      readonly op: 'write';
      readonly fd: number;
      readonly shared: SharedArrayBuffer;
      readonly length: number;
      readonly position: number;
    }
  | { readonly op: 'sync' | 'close'; readonly fd: number }
  | { readonly op: 'truncate'; readonly fd: number; readonly length: number };

export type FileAnswer =
  | { readonly id: number; readonly result: number }
  | { readonly id: number; readonly failure: { readonly code: string; readonly message: string } };

interface Pending {
  readonly resolve: (result: number) => void;
  readonly reject: (error: Error) => void;
}

/** A thread runs what is built; the same from `src` and from `dist`. */
const ENTRY = new URL('../dist/file-thread-main.js', import.meta.url);

/**
 * Files on a thread of its own, written out of memory that both share. What Node offers for it comes back through the event
 * loop, whose turn takes as long as all the frames that wait: a new segment, eight calls one after the other, took seconds on a
 * gateway under full load. Here the answer can be asked for in between (`poll`); who does not ask gets it from the event loop.
 */
export class FileThread {
  readonly #worker: Worker;
  readonly #port: MessagePort;
  readonly #pending = new Map<number, Pending>();
  #ended: Error | null = null;
  #last = 0;

  constructor() {
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    // What it opened stays open when it dies: its successor writes on, and a number that was given to another file must not be
    // written to, let alone cut, as if it were still the segment.
    this.#worker = new Worker(ENTRY, { name: 'journal', trackUnmanagedFds: false });
    this.#worker.postMessage({ port: port2 }, [port2]);
    this.#worker.on('error', (error) => this.#end(error));
    this.#worker.on('exit', () => this.#end(new Error('the thread has ended')));
    port1.on('message', this.#settle);
    // It keeps nobody alive but for an answer that is awaited.
    this.#worker.unref();
    port1.unref();
  }

  /** Whether it takes orders. A thread that died takes none; its owner makes another. */
  get alive(): boolean {
    return this.#ended === null;
  }

  /** Resolves with the new file's descriptor (`create`; else 0); rejects with the system's `code` where it was refused. */
  order(order: FileOrder): Promise<number> {
    const ended = this.#ended;
    if (ended !== null) return Promise.reject(ended);
    const id = ++this.#last;
    return new Promise((resolve, reject) => {
      if (this.#pending.size === 0) this.#port.ref();
      this.#pending.set(id, { resolve, reject });
      this.#port.postMessage({ id, order });
    });
  }

  /** Takes the answers that are there. */
  poll(): void {
    if (this.#pending.size === 0) return;
    for (let got = receiveMessageOnPort(this.#port); got !== undefined; got = receiveMessageOnPort(this.#port)) {
      this.#settle(got.message as FileAnswer);
    }
  }

  async close(): Promise<void> {
    this.#port.close();
    await this.#worker.terminate();
  }

  readonly #settle = (answer: FileAnswer): void => {
    const pending = this.#pending.get(answer.id);
    if (pending === undefined) return;
    this.#pending.delete(answer.id);
    if (this.#pending.size === 0) this.#port.unref();
    if ('result' in answer) pending.resolve(answer.result);
    else pending.reject(Object.assign(new Error(answer.failure.message), { code: answer.failure.code }));
  };

  #end(error: Error): void {
    this.#ended ??= error;
    for (const { reject } of this.#pending.values()) reject(error);
    this.#pending.clear();
    this.#port.unref();
  }
}
