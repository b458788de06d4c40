/** What is due later, soonest first; of two at the same time, the one that was put in first. */
export class DelayQueue<T> {
  readonly #heap: { readonly dueMs: number; readonly order: number; readonly item: T }[] = [];
  #order = 0;

  get size(): number {
    return this.#heap.length;
  }

  /** Infinity where nothing waits. */
  get nextMs(): number {
    return this.#heap[0]?.dueMs ?? Number.POSITIVE_INFINITY;
  }

  push(dueMs: number, item: T): void {
    const heap = this.#heap;
    heap.push({ dueMs, order: this.#order++, item });
    for (let at = heap.length - 1; at > 0; ) {
      const parent = (at - 1) >> 1;
      if (!this.#before(at, parent)) return;
      this.#swap(at, parent);
      at = parent;
    }
  }

  /** Calls back for all that is due by then. */
  drain(nowMs: number, deliver: (item: T, dueMs: number) => void): void {
    while (this.nextMs <= nowMs) {
      const [first] = this.#heap;
      const last = this.#heap.pop();
      if (first === undefined || last === undefined) return;
      if (this.#heap.length > 0) {
        this.#heap[0] = last;
        this.#sink();
      }
      deliver(first.item, first.dueMs);
    }
  }

  #sink(): void {
    for (let at = 0; ; ) {
      let least = at;
      for (const child of [2 * at + 1, 2 * at + 2]) {
        if (child < this.#heap.length && this.#before(child, least)) least = child;
      }
      if (least === at) return;
      this.#swap(at, least);
      at = least;
    }
  }

  #before(a: number, b: number): boolean {
    const [x, y] = [this.#heap[a], this.#heap[b]];
    if (x === undefined || y === undefined) return false;
    return x.dueMs < y.dueMs || (x.dueMs === y.dueMs && x.order < y.order);
  }

  #swap(a: number, b: number): void {
    const [x, y] = [this.#heap[a], this.#heap[b]];
    if (x === undefined || y === undefined) return;
    this.#heap[a] = y;
    this.#heap[b] = x;
  }
}
