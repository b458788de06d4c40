/** Ids that came within this time go into one job: a job a report would be more work than the reports. */
const GATHER_MS = 500;
/** Of one job's payload. */
const MOST_IDS = 1_000;
/** While the queues are away no more than these wait; the rest is found by the worker's sweep. */
const MOST_WAITING = 10_000;

export interface IngestionQueuePorts {
  /** Rejects when the queues' store is away. */
  readonly add: (feedbackIds: readonly number[]) => Promise<void>;
  readonly failed: (error: unknown) => void;
}

/** Hands stored reports on to their job, together and in the background. What fails here the worker's sweep makes up for. */
export class IngestionQueue {
  readonly #ports: IngestionQueuePorts;
  #waiting: number[] = [];
  #timer: NodeJS.Timeout | null = null;
  #adding: Promise<void> = Promise.resolve();
  #busy = false;

  constructor(ports: IngestionQueuePorts) {
    this.#ports = ports;
  }

  note(feedbackId: number): void {
    if (this.#waiting.length >= MOST_WAITING) return;
    this.#waiting.push(feedbackId);
    if (this.#timer === null && !this.#busy) this.#timer = setTimeout(() => this.#flush(), GATHER_MS);
  }

  /** Resolves when what was noted is queued, or failed to. */
  async close(): Promise<void> {
    if (this.#timer !== null) this.#flush();
    await this.#adding;
  }

  #flush(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#busy = true;
    this.#adding = this.#add().finally(() => {
      this.#busy = false;
    });
  }

  async #add(): Promise<void> {
    while (this.#waiting.length > 0) {
      try {
        await this.#ports.add(this.#waiting.splice(0, MOST_IDS));
      } catch (error) {
        this.#waiting = [];
        this.#ports.failed(error);
      }
    }
  }
}
