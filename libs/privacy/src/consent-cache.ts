import { consentOf, type KnownConsent } from './consent.js';
import { type ConsentInForce, consentInForce, mayStore, type StoredKind } from './may-store.js';

/** The rows of these customers, by customer; who has none is left out. Rejects where they cannot be had. */
export type FindConsents = (customerIds: readonly string[]) => Promise<ReadonlyMap<string, unknown>>;

export interface ConsentClock {
  /** Milliseconds that never run backwards: how old what is known is. */
  now(): number;
  /** Unix milliseconds by the calendar: when a consent ends. */
  wall(): number;
}

/** An entry as old as this is asked for again; with a refresh every second none is older than 3 s. */
const FRESH_MS = 1_500;
/**
 * So long a consent still counts that cannot be asked for again. Then it is unknown, and nothing more is stored: a gateway that is
 * cut off from the database may hear of no change, and a change is in force everywhere within this time.
 */
export const GRACE_MS = 5_000;
/** A question that is not answered within this time is not waited for: the next refresh asks anew. */
const PATIENCE_MS = 5_000;
/** Refreshes without a single use: about ten minutes. */
const MOST_IDLE = 300;

class Entry {
  consent: KnownConsent = 'unknown';
  /** When it was asked for, not when the answer came: it may be as old as that. */
  asOfMs = Number.NEGATIVE_INFINITY;
  used = true;
  idle = 0;
}

/**
 * What each customer has consented to, to be read while a frame waits: a reading is one look-up, allocates nothing and asks
 * nobody. Whoever owns it calls `refresh` about once a second; a customer is asked for from the first reading on, which
 * itself finds `unknown`.
 */
export class ConsentCache {
  readonly #find: FindConsents;
  readonly #clock: ConsentClock;
  readonly #onFault: (error: unknown) => void;
  readonly #entries = new Map<string, Entry>();
  #away = false;
  #asking: { readonly sinceMs: number; readonly done: Promise<void> } | null = null;

  /** `onFault` hears of the first failure of an outage. */
  constructor(find: FindConsents, clock: ConsentClock, onFault: (error: unknown) => void = () => {}) {
    this.#find = find;
    this.#clock = clock;
    this.#onFault = onFault;
  }

  of(customerId: string): KnownConsent {
    const entry = this.#entries.get(customerId);
    if (entry === undefined) return this.#begin(customerId).consent;
    entry.used = true;
    return this.#clock.now() - entry.asOfMs > GRACE_MS ? 'unknown' : entry.consent;
  }

  mayStore(customerId: string, kind: StoredKind): boolean {
    return mayStore(this.of(customerId), kind, this.#clock.wall());
  }

  inForce(customerId: string): ConsentInForce {
    return consentInForce(this.of(customerId), this.#clock.wall());
  }

  /** Resolves once the customer was asked for, whatever came of it; at once where the answer is there. */
  async known(customerId: string): Promise<void> {
    const entry = this.#entries.get(customerId) ?? this.#begin(customerId);
    if (this.#clock.now() - entry.asOfMs <= GRACE_MS) return;
    await this.refresh();
    // It came in while the others were asked for.
    if (entry.asOfMs === Number.NEGATIVE_INFINITY) await this.refresh();
  }

  /** It was changed to this version: what is known of an older one counts no more, and is asked for anew. */
  async changed(customerId: string, version: number): Promise<void> {
    const known = this.#entries.get(customerId);
    if (known === undefined) return;
    if (known.consent !== null && known.consent !== 'unknown' && known.consent.version >= version) return;
    // A new entry: the answer to an older question finds that it is not its own.
    this.#entries.set(customerId, new Entry());
    await this.known(customerId);
  }

  /** Asks for every entry that is no longer fresh, all in one question. Never rejects. */
  refresh(): Promise<void> {
    const now = this.#clock.now();
    if (this.#asking !== null && now - this.#asking.sinceMs < PATIENCE_MS) return this.#asking.done;
    const due = new Map([...this.#entries].filter(([, { asOfMs }]) => now - asOfMs >= FRESH_MS));
    if (due.size === 0) return Promise.resolve();
    const done = this.#ask(due, now).finally(() => {
      if (this.#asking?.done === done) this.#asking = null;
    });
    this.#asking = { sinceMs: now, done };
    return done;
  }

  #begin(customerId: string): Entry {
    const entry = new Entry();
    this.#entries.set(customerId, entry);
    // Not within the reading: whoever reads has a frame to answer.
    queueMicrotask(() => void this.refresh());
    return entry;
  }

  async #ask(due: ReadonlyMap<string, Entry>, askedMs: number): Promise<void> {
    for (const [customerId, entry] of due) this.#age(customerId, entry);
    let rows: ReadonlyMap<string, unknown>;
    try {
      rows = await this.#find([...due.keys()]);
    } catch (error) {
      if (!this.#away) this.#onFault(error);
      this.#away = true;
      return;
    }
    this.#away = false;
    for (const [customerId, entry] of due) {
      if (this.#entries.get(customerId) !== entry || askedMs < entry.asOfMs) continue;
      entry.consent = consentOf(rows.get(customerId) ?? null);
      entry.asOfMs = askedMs;
    }
  }

  #age(customerId: string, entry: Entry): void {
    entry.idle = entry.used ? 0 : entry.idle + 1;
    entry.used = false;
    if (entry.idle > MOST_IDLE) this.#entries.delete(customerId);
  }
}
