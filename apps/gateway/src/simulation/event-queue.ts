export interface Event {
  /** Later than it was meant to be where its process is frozen. */
  atMs: number;
  /** Order of scheduling: events of one moment happen in it. */
  readonly order: number;
  readonly label: string;
  readonly run: () => void;
  cancelled: boolean;
  /** Of the gateway's process: waits while that is frozen, and dies with it. Null: of the world outside. */
  readonly life: object | null;
}

/** What will happen, in one total order: by time, then by when it was scheduled. A binary heap. */
export class EventQueue {
  readonly #heap: Event[] = [];
  #order = 0;

  get size(): number {
    return this.#heap.length;
  }

  push(atMs: number, life: object | null, label: string, run: () => void): Event {
    const event: Event = { atMs, order: this.#order++, label, run, cancelled: false, life };
    this.#heap.push(event);
    this.#rise(this.#heap.length - 1);
    return event;
  }

  /** Puts one that was taken back, to a later time, in its old order. */
  again(event: Event, atMs: number): void {
    event.atMs = atMs;
    this.#heap.push(event);
    this.#rise(this.#heap.length - 1);
  }

  /** The next one that was not cancelled. */
  pop(): Event | null {
    for (;;) {
      const first = this.#heap[0];
      const last = this.#heap.pop();
      if (first === undefined || last === undefined) return null;
      if (first !== last) {
        this.#heap[0] = last;
        this.#sink(0);
      }
      if (!first.cancelled) return first;
    }
  }

  /** How many of this life are still to come. */
  pending(life: object): Event[] {
    return this.#heap.filter((event) => !event.cancelled && event.life === life);
  }

  cancelAll(life: object): void {
    for (const event of this.#heap) if (event.life === life) event.cancelled = true;
  }

  #rise(from: number): void {
    const heap = this.#heap;
    const event = heap[from] as Event;
    let at = from;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const other = heap[parent] as Event;
      if (!before(event, other)) break;
      heap[at] = other;
      at = parent;
    }
    heap[at] = event;
  }

  #sink(from: number): void {
    const heap = this.#heap;
    const event = heap[from] as Event;
    let at = from;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      const right = heap[child + 1];
      if (right !== undefined && before(right, heap[child] as Event)) child++;
      const other = heap[child] as Event;
      if (!before(other, event)) break;
      heap[at] = other;
      at = child;
    }
    heap[at] = event;
  }
}

const before = (a: Event, b: Event): boolean => a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
