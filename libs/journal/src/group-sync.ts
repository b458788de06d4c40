interface Waiter {
  readonly record: number;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export interface GroupSyncPorts {
  /** fsync of the file that the records stand in. */
  sync(): Promise<void>;
  /** Everything up to this record is on the disk. */
  onSynced(record: number): void;
  onFailed(error: unknown): void;
}

/** fsync in groups: at most `everyMs` after a write, at once where somebody waits; never two at a time. */
export class GroupSync {
  readonly #ports: GroupSyncPorts;
  readonly #everyMs: number;
  #written = 0;
  #synced = 0;
  #running: Promise<boolean> | null = null;
  #timer: NodeJS.Timeout | null = null;
  #waiters: Waiter[] = [];

  constructor(everyMs: number, ports: GroupSyncPorts) {
    this.#everyMs = everyMs;
    this.#ports = ports;
  }

  get synced(): number {
    return this.#synced;
  }

  /** Records are counted from 1; `urgent`: do not wait for the group. */
  written(record: number, urgent: boolean): void {
    this.#written = record;
    if (urgent || this.#someoneWaits()) this.#start();
    else this.#arm();
  }

  /** Resolves when the record is on the disk, which may be after it was written; rejects on the next refusal of the disk. */
  wait(record: number): Promise<void> {
    if (record <= this.#synced) return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.#waiters.push({ record, resolve, reject });
      if (this.#someoneWaits()) this.#start();
    });
  }

  /** Syncs all that is written; false where the disk refused. */
  async drain(): Promise<boolean> {
    await this.#running;
    return this.#written === this.#synced || (await this.#run());
  }

  refuse(error: unknown): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const waiter of waiters) waiter.reject(error);
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #someoneWaits(): boolean {
    return this.#waiters.some((waiter) => waiter.record <= this.#written);
  }

  #start(): void {
    // One that is running was begun before the newest bytes: its end looks whether another is due.
    if (this.#running === null && this.#written > this.#synced) void this.#run();
  }

  #arm(): void {
    this.#timer ??= setTimeout(() => {
      // Also where a sync still runs: a timer that has fired and stays here would be the last one.
      this.#timer = null;
      this.#start();
    }, this.#everyMs);
  }

  #run(): Promise<boolean> {
    this.stop();
    this.#running = this.#syncOnce().then((done) => {
      this.#running = null;
      if (done && this.#someoneWaits()) this.#start();
      else if (done && this.#written > this.#synced) this.#arm();
      return done;
    });
    return this.#running;
  }

  async #syncOnce(): Promise<boolean> {
    const upTo = this.#written;
    try {
      await this.#ports.sync();
    } catch (error) {
      this.#ports.onFailed(error);
      return false;
    }
    this.#synced = upTo;
    this.#ports.onSynced(upTo);
    const waiters = this.#waiters;
    this.#waiters = waiters.filter((waiter) => waiter.record > upTo);
    for (const waiter of waiters) if (waiter.record <= upTo) waiter.resolve();
    return true;
  }
}
