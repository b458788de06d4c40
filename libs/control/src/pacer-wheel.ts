/** Called for a tick that is due; `skipped` ticks before it were missed and will not come. */
export type OnTick<Id> = (id: Id, tick: number, dueMs: number, skipped: number) => void;

/**
 * When each of many sessions has its next tick: tick n of a session is due at startMs + n·1000/hz, computed anew each time so
 * that no error adds up. A binary heap in typed arrays: `advance` allocates nothing and costs O(log sessions) a tick. A session
 * that is late gets the newest tick that is due and the number skipped, never a burst.
 */
export class PacerWheel<Id> {
  readonly #slots = new Map<Id, number>();
  readonly #ids: (Id | undefined)[] = [];
  readonly #free: number[] = [];
  #start = new Float64Array(16);
  #hz = new Float64Array(16);
  #tick = new Float64Array(16);
  #due = new Float64Array(16);
  /** Slots ordered by due time, and where each slot stands in it. */
  #heap = new Int32Array(16);
  #place = new Int32Array(16);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** From now on tick 0 at `startMs`, tick n at startMs + n·1000/hz. An id already there starts anew. */
  add(id: Id, startMs: number, hz: number): void {
    if (!Number.isFinite(startMs) || !(hz > 0 && Number.isFinite(hz))) {
      throw new RangeError('startMs must be finite, hz positive');
    }
    this.remove(id);
    const slot = this.#free.pop() ?? this.#ids.length;
    if (slot >= this.#due.length) this.#grow();
    this.#slots.set(id, slot);
    this.#ids[slot] = id;
    this.#start[slot] = startMs;
    this.#hz[slot] = hz;
    this.#tick[slot] = 0;
    this.#due[slot] = startMs;
    this.#size++;
    this.#rise(this.#size - 1, slot);
  }

  remove(id: Id): boolean {
    const slot = this.#slots.get(id);
    if (slot === undefined) return false;
    this.#slots.delete(id);
    this.#ids[slot] = undefined;
    this.#free.push(slot);
    const place = this.#place[slot] as number;
    this.#size--;
    if (place < this.#size) {
      const moved = this.#heap[this.#size] as number;
      this.#sink(place, moved);
      if (this.#heap[place] === moved) this.#rise(place, moved);
    }
    return true;
  }

  /** When the earliest tick is due; Infinity without sessions. */
  nextDueMs(): number {
    return this.#size === 0 ? Number.POSITIVE_INFINITY : (this.#due[this.#heap[0] as number] as number);
  }

  /** When the next tick of `id` is due, and which it is: what its slack counts from. */
  next(id: Id): { tick: number; dueMs: number } | undefined {
    const slot = this.#slots.get(id);
    return slot === undefined ? undefined : { tick: this.#tick[slot] as number, dueMs: this.#due[slot] as number };
  }

  /** Calls back for every session with a tick due by `nowMs`, earliest first. The callback may add and remove sessions. */
  advance(nowMs: number, onTick: OnTick<Id>): void {
    if (!Number.isFinite(nowMs)) return;
    while (this.#size > 0) {
      const slot = this.#heap[0] as number;
      const start = this.#start[slot] as number;
      const hz = this.#hz[slot] as number;
      const expected = this.#tick[slot] as number;
      if ((this.#due[slot] as number) > nowMs) return;
      // The estimate may be off by one in the last bit of the division; due times decide.
      let tick = Math.max(expected, Math.floor(((nowMs - start) * hz) / 1000));
      while (dueAt(start, hz, tick + 1) <= nowMs) tick++;
      while (tick > expected && dueAt(start, hz, tick) > nowMs) tick--;
      const dueMs = dueAt(start, hz, tick);
      this.#tick[slot] = tick + 1;
      this.#due[slot] = dueAt(start, hz, tick + 1);
      this.#sink(0, slot);
      onTick(this.#ids[slot] as Id, tick, dueMs, tick - expected);
    }
  }

  #rise(place: number, slot: number): void {
    const due = this.#due[slot] as number;
    while (place > 0) {
      const parent = (place - 1) >> 1;
      const other = this.#heap[parent] as number;
      if ((this.#due[other] as number) <= due) break;
      this.#put(place, other);
      place = parent;
    }
    this.#put(place, slot);
  }

  #sink(place: number, slot: number): void {
    const due = this.#due[slot] as number;
    for (;;) {
      let child = 2 * place + 1;
      if (child >= this.#size) break;
      if (child + 1 < this.#size && this.#dueOf(child + 1) < this.#dueOf(child)) child++;
      if (this.#dueOf(child) >= due) break;
      this.#put(place, this.#heap[child] as number);
      place = child;
    }
    this.#put(place, slot);
  }

  #dueOf(place: number): number {
    return this.#due[this.#heap[place] as number] as number;
  }

  #put(place: number, slot: number): void {
    this.#heap[place] = slot;
    this.#place[slot] = place;
  }

  #grow(): void {
    const size = this.#due.length * 2;
    this.#start = widened(this.#start, new Float64Array(size));
    this.#hz = widened(this.#hz, new Float64Array(size));
    this.#tick = widened(this.#tick, new Float64Array(size));
    this.#due = widened(this.#due, new Float64Array(size));
    this.#heap = widened(this.#heap, new Int32Array(size));
    this.#place = widened(this.#place, new Int32Array(size));
  }
}

function dueAt(startMs: number, hz: number, tick: number): number {
  return startMs + (tick * 1000) / hz;
}

function widened<A extends Float64Array | Int32Array>(from: A, to: A): A {
  to.set(from);
  return to;
}
