import type { Pruned } from '@sinew/journal';
import type { ShippedCounters, Shipper } from './shipper.js';

/** How often the journal is looked at when there was nothing new. */
const POLL_MS = 100;
const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 2_000;
const PRUNE_EVERY_MS = 30_000;
const REMIND_EVERY_MS = 30_000;
const QUEUE_RETRY_MS = 2_000;

export interface LoopPorts {
  readonly shipper: Shipper;
  /** Deletes what is shipped and no longer kept. */
  prune(): Promise<Pruned | null>;
  /** Forgets what customers had erased. */
  forgetErased(): Promise<void>;
  /** Unix milliseconds. */
  now(): number;
  /** Ends early, without an error, when the signal says stop. */
  wait(ms: number, signal: AbortSignal): Promise<void>;
  readonly log: {
    info(details: object, message: string): void;
    warn(details: object, message: string): void;
  };
}

export interface ShipperStatus extends ShippedCounters {
  readonly state: 'shipping' | 'retrying';
  readonly lag_ms: number;
  readonly pruned_segments: number;
}

/** Ships for as long as nobody says stop, whatever journal, database and queues do. */
export class ShipperLoop {
  readonly #ports: LoopPorts;
  #failingSince: number | null = null;
  #remindedAt = 0;
  #prunedAt = 0;
  #prunedSegments = 0;
  #queueRetryAt = 0;
  #cannotForget = false;

  constructor(ports: LoopPorts) {
    this.#ports = ports;
  }

  status(): ShipperStatus {
    const { shipper } = this.#ports;
    return {
      ...shipper.counters,
      state: this.#failingSince === null ? 'shipping' : 'retrying',
      lag_ms: shipper.lagMs(),
      pruned_segments: this.#prunedSegments,
    };
  }

  async run(signal: AbortSignal): Promise<void> {
    let retryMs = FIRST_RETRY_MS;
    while (!signal.aborted) {
      await this.#prune();
      await this.#forgetErased();
      const shipped = await this.#tryShip();
      if (shipped === 'failed') {
        await this.#ports.wait(retryMs, signal);
        retryMs = Math.min(2 * retryMs, LAST_RETRY_MS);
        continue;
      }
      retryMs = FIRST_RETRY_MS;
      await this.#queueFollowing();
      if (shipped === 'nothing') await this.#ports.wait(POLL_MS, signal);
    }
  }

  /** After `run`: ships what is there until `untilMs`, then saves the checkpoint. What is left waits in the journal. */
  async flush(untilMs: number): Promise<void> {
    while (this.#ports.now() < untilMs && (await this.#tryShip()) === 'shipped');
    await this.#ports.shipper.close();
    await this.#queueFollowing();
  }

  async #tryShip(): Promise<'shipped' | 'nothing' | 'failed'> {
    try {
      const more = await this.#ports.shipper.ship();
      this.#recovered();
      return more ? 'shipped' : 'nothing';
    } catch (error) {
      this.#failed(error);
      return 'failed';
    }
  }

  #failed(error: unknown): void {
    const now = this.#ports.now();
    this.#failingSince ??= now;
    if (now - this.#remindedAt < REMIND_EVERY_MS) return;
    this.#remindedAt = now;
    this.#ports.log.warn({ err: error, since_ms: now - this.#failingSince }, 'cannot store, trying on');
  }

  #recovered(): void {
    if (this.#failingSince === null) return;
    this.#ports.log.info({ after_ms: this.#ports.now() - this.#failingSince }, 'storing again');
    this.#failingSince = null;
    this.#remindedAt = 0;
  }

  async #queueFollowing(): Promise<void> {
    if (this.#ports.now() < this.#queueRetryAt) return;
    try {
      await this.#ports.shipper.queueFollowing();
    } catch (error) {
      // Kept in the checkpoint until it works.
      this.#queueRetryAt = this.#ports.now() + QUEUE_RETRY_MS;
      this.#ports.log.warn({ err: error }, 'cannot queue statistics, trying on');
    }
  }

  async #forgetErased(): Promise<void> {
    try {
      await this.#ports.forgetErased();
      this.#cannotForget = false;
    } catch (error) {
      // The database is away. Nothing is lost by waiting: what is stored then is without what was erased.
      if (!this.#cannotForget) this.#ports.log.warn({ err: error }, 'cannot look for erasures, trying on');
      this.#cannotForget = true;
    }
  }

  async #prune(): Promise<void> {
    if (this.#ports.now() - this.#prunedAt < PRUNE_EVERY_MS) return;
    this.#prunedAt = this.#ports.now();
    try {
      const pruned = await this.#ports.prune();
      if (pruned === null || pruned.segments.length === 0) return;
      this.#prunedSegments += pruned.segments.length;
      if (pruned.early > 0)
        this.#ports.log.warn(pruned, 'shipped segments deleted early: the journal nears its budget');
    } catch (error) {
      this.#ports.log.warn({ err: error }, 'cannot delete shipped segments');
    }
  }
}
