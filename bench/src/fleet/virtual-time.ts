interface Event {
  readonly atMs: number;
  /** Events of one moment run in the order in which they were asked for. */
  readonly order: number;
  readonly run: () => void | Promise<void>;
  cancelled: boolean;
}

const LEAST_MS = 0.001;

/**
 * A clock that only moves from event to event: what takes no virtual time takes none, however long this machine computes on
 * it. With the same events it gives the same run on any machine, busy or not.
 */
export class VirtualTime {
  #nowMs: number;
  #order = 0;
  /** A binary heap, earliest first. */
  readonly #heap: Event[] = [];

  constructor(startMs = 1_000_000) {
    this.#nowMs = startMs;
  }

  now(): number {
    return this.#nowMs;
  }

  /** Runs `run` in `ms`, not before what is asked for that moment already. Time waits for a promise. Returns what calls it off. */
  after(ms: number, run: () => void | Promise<void>): () => void {
    // Whoever sleeps until a moment and wakes a rounding error before it would sleep again, for ever at the same moment.
    const event: Event = {
      atMs: this.#nowMs + (ms > 0 ? Math.max(ms, LEAST_MS) : 0),
      order: this.#order++,
      run,
      cancelled: false,
    };
    this.#push(event);
    return () => {
      event.cancelled = true;
    };
  }

  /** Goes on until `done` or nothing is left to happen. */
  async runUntil(done: () => boolean): Promise<void> {
    for (;;) {
      // What the last event began runs to where it waits for time: promises of any depth settle within a turn of the loop.
      await new Promise<void>((resolve) => setImmediate(resolve));
      if (done()) return;
      const event = this.#pop();
      if (event === undefined) return;
      if (event.cancelled) continue;
      this.#nowMs = Math.max(this.#nowMs, event.atMs);
      await event.run();
    }
  }

  #push(event: Event): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(event);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = heap[parent] as Event;
      if (before(above, event)) break;
      heap[at] = above;
      at = parent;
    }
    heap[at] = event;
  }

  #pop(): Event | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first;
    let at = 0;
    for (;;) {
      const left = 2 * at + 1;
      const right = left + 1;
      let child = left;
      if (right < heap.length && before(heap[right] as Event, heap[left] as Event)) child = right;
      if (child >= heap.length || before(last, heap[child] as Event)) break;
      heap[at] = heap[child] as Event;
      at = child;
    }
    heap[at] = last;
    return first;
  }
}

const before = (a: Event, b: Event): boolean => a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
