import { randomUUID } from 'node:crypto';
import type { Logger } from '@sinew/telemetry';
import type { Clock } from './clock.js';

/** Where node numbers are leased; `GatewayNodes` of the database. */
export interface NodeStore {
  take(holder: string, forMs: number): Promise<number | null>;
  renew(node: number, holder: string, forMs: number): Promise<boolean>;
  release(node: number, holder: string, afterMs: number): Promise<void>;
}

/**
 * From its last renewal on a number is nobody else's for this long: a database that is away for minutes stops no robot. There
 * are 64 numbers, so that those of gateways that died can rest.
 */
export const RESERVED_MS = 600_000;
/**
 * From here on nothing new is begun under a number that could not be renewed: what runs has its ids well before another
 * gateway may take the number, also where their clocks differ.
 */
export const DOUBTFUL_AFTER_MS = 540_000;
/** A number that was given back rests: the next gateway's clock may be behind, and ids are made of time. */
export const RESTS_MS = 60_000;
const RENEW_MS = 20_000;
const RETRY_MS = 2_000;

export interface NodeLeaseDeps {
  readonly store: NodeStore;
  readonly clock: Clock;
  /** Unix milliseconds. A machine that slept has passed time that `clock` may not have counted. */
  readonly wallNow: () => number;
  readonly log: Logger;
  /** Another gateway has the number: this process must end. */
  readonly lost: () => void;
}

/** A node number of this gateway's own (0…63), renewed until it is given back. */
export class NodeLease {
  readonly node: number;
  readonly #deps: NodeLeaseDeps;
  readonly #holder: string;
  #renewedMs: number;
  #renewedWallMs: number;
  #timer: NodeJS.Timeout | null = null;
  #failing = false;
  #told = false;
  #lost = false;

  private constructor(deps: NodeLeaseDeps, holder: string, node: number, renewedMs: number, renewedWallMs: number) {
    this.#deps = deps;
    this.#holder = holder;
    this.node = node;
    this.#renewedMs = renewedMs;
    this.#renewedWallMs = renewedWallMs;
    this.#next(RENEW_MS);
  }

  /** Waits until there is a number: for the database, or for one of 64 gateways to leave. */
  static async take(deps: NodeLeaseDeps, wait: (ms: number) => Promise<void>): Promise<NodeLease> {
    const holder = randomUUID();
    for (let told = false; ; told = true) {
      // Counted from before the question: the database's own time began no earlier.
      const [startedMs, startedWallMs] = [deps.clock.now(), deps.wallNow()];
      try {
        const node = await deps.store.take(holder, RESERVED_MS);
        if (node !== null) return new NodeLease(deps, holder, node, startedMs, startedWallMs);
        if (!told) deps.log.warn('all 64 node numbers are taken: waiting for one');
      } catch (error) {
        if (!told)
          deps.log.warn({ err: error }, 'no node number without the database: waiting for it (or set SINEW_NODE)');
      }
      await wait(RETRY_MS);
    }
  }

  /** Whether nothing new may be begun, because the number may soon be another gateway's. */
  get doubtful(): boolean {
    const { clock, wallNow } = this.#deps;
    const ageMs = Math.max(clock.now() - this.#renewedMs, wallNow() - this.#renewedWallMs);
    return this.#lost || ageMs >= DOUBTFUL_AFTER_MS;
  }

  async renew(): Promise<void> {
    const { clock, log, lost, store, wallNow } = this.#deps;
    const [startedMs, startedWallMs] = [clock.now(), wallNow()];
    try {
      if (await store.renew(this.node, this.#holder, RESERVED_MS)) {
        this.#renewedMs = startedMs;
        this.#renewedWallMs = startedWallMs;
        if (this.#failing) log.info({ node: this.node }, 'node number renewed again');
        this.#failing = false;
        return;
      }
    } catch (error) {
      if (!this.#failing) log.warn({ err: error, node: this.node }, 'node number not renewed');
      this.#failing = true;
      if (this.doubtful && !this.#told)
        log.error({ node: this.node }, 'node number in doubt: every robot holds until it is renewed');
      this.#told = this.doubtful;
      return;
    }
    this.#lost = true;
    log.error({ node: this.node }, 'node number is another gateway’s now');
    lost();
  }

  /** After the last id was issued; `restMs` 0 where none was. */
  async release(restMs: number = RESTS_MS): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (!this.#lost) await this.#deps.store.release(this.node, this.#holder, restMs).catch(() => {});
  }

  #next(ms: number): void {
    this.#timer = setTimeout(() => {
      void this.renew().then(() => {
        if (this.#timer !== null && !this.#lost) this.#next(this.#failing ? RETRY_MS : RENEW_MS);
      });
    }, ms);
  }
}
