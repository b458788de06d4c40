const OPEN = 0;
const BUSY = 1;
const SHUT = 2;

/**
 * Who may end a worker. Ending a thread while it is inside onnxruntime aborts the whole process (1.30: the binding throws
 * a C++ exception that nothing can catch), so the worker holds this gate around every native call, and only who has shut
 * it may terminate the thread. One cell of shared memory; both sides change it atomically.
 */
export class GraphGate {
  readonly cell: SharedArrayBuffer;
  readonly #state: Int32Array;

  constructor(cell = new SharedArrayBuffer(4)) {
    this.cell = cell;
    this.#state = new Int32Array(cell);
  }

  /** Before native code. False: the thread is being ended and must not begin. */
  enter(): boolean {
    return Atomics.compareExchange(this.#state, 0, OPEN, BUSY) === OPEN;
  }

  leave(): void {
    Atomics.compareExchange(this.#state, 0, BUSY, OPEN);
  }

  /** True: the thread is not inside native code and will not go there again. False: it is inside; ask it to end itself. */
  shut(): boolean {
    return Atomics.compareExchange(this.#state, 0, OPEN, SHUT) !== BUSY;
  }
}
