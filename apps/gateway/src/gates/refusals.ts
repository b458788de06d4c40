import { type Validator, validatorOf } from '@sinew/contracts';
import type { JournalRecord, RejectedObservationsEvent } from '@sinew/journal';
import type { Logger, Metrics } from '@sinew/telemetry';
import { v7 as uuidv7 } from 'uuid';
import type { Clock } from '../clock.js';

/** As much of a fault as says which rule was broken. */
export interface BrokenRule {
  readonly rule?: string | undefined;
  readonly field?: string | undefined;
}

/** Where there is no session: REST, and `open`. */
export interface RefusedCaller {
  readonly source: 'rest' | 'stream';
  readonly customerId: string;
  /** Of the registry, or null. */
  readonly robotType: string | null;
}

interface Gathered {
  readonly caller: RefusedCaller;
  readonly validator: Validator;
  count: number;
}

/** A field is logged at most this often, and records are gathered as long, ms. */
const EVERY_MS = 1_000;
/** Beyond so many different ones they are written before their second is over: clients must not choose our memory. */
const MOST_GATHERED = 1_000;

/**
 * Counts what the rules on data refuse, under the words of their table and never under a client's. Sessions keep their own
 * records; for all others it gathers a second's refusals into one.
 */
export class Refusals {
  readonly #clock: Clock;
  readonly #metrics: Pick<Metrics, 'validationFailures' | 'hardRejections'>;
  readonly #log: Logger;
  readonly #write: (record: JournalRecord) => void;
  readonly #loggedMs = new Map<string, number>();
  readonly #unlogged = new Map<string, number>();
  readonly #gathered = new Map<string, Gathered>();
  #sinceMs = 0;

  constructor(
    clock: Clock,
    metrics: Pick<Metrics, 'validationFailures' | 'hardRejections'>,
    log: Logger,
    write: (record: JournalRecord) => void,
  ) {
    this.#clock = clock;
    this.#metrics = metrics;
    this.#log = log;
    this.#write = write;
  }

  /** One refusal; what became of it in the journal is the caller's. */
  count(broken: BrokenRule, customerId: string | null, source: 'rest' | 'stream'): Validator {
    const validator = validatorOf(broken);
    const { field, gate, id, reason } = validator;
    this.#metrics.validationFailures.inc({ field, reason });
    if (gate !== null) this.#metrics.hardRejections.inc({ rule: gate });
    const now = this.#clock.now();
    const logged = this.#loggedMs.get(field);
    const unlogged = this.#unlogged.get(field) ?? 0;
    if (logged !== undefined && now - logged < EVERY_MS) this.#unlogged.set(field, unlogged + 1);
    else {
      this.#loggedMs.set(field, now);
      this.#unlogged.set(field, 0);
      this.#log.info(
        { field, rule: id, source, customer_id: customerId, since_last: unlogged + 1 },
        'refused by a rule',
      );
    }
    return validator;
  }

  /** One refusal outside a session: counted, and recorded within a second. */
  note(broken: BrokenRule, caller: RefusedCaller): void {
    const validator = this.count(broken, caller.customerId, caller.source);
    const key = `${caller.customerId}\n${caller.source}\n${caller.robotType}\n${validator.id}`;
    const gathered = this.#gathered.get(key);
    if (gathered !== undefined) {
      gathered.count++;
      return;
    }
    if (this.#gathered.size >= MOST_GATHERED) this.close();
    if (this.#gathered.size === 0) this.#sinceMs = this.#clock.now();
    this.#gathered.set(key, { caller, validator, count: 1 });
  }

  /** Writes what a whole second gathered. */
  sweep(): void {
    if (this.#gathered.size > 0 && this.#clock.now() - this.#sinceMs >= EVERY_MS) this.close();
  }

  /** Writes everything that is gathered: the gateway ends. */
  close(): void {
    const all = [...this.#gathered.values()];
    this.#gathered.clear();
    for (const { caller, count, validator } of all) {
      const { field, id, reason } = validator;
      const data = rejectedData({ field, reason, count, rule: id }, caller.robotType, caller.source);
      this.#write({
        v: 1,
        kind: 'event',
        event: 'rejected_observations',
        log_id: null,
        t_ms: this.#clock.now(),
        session_id: null,
        customer_id: caller.customerId,
        robot_id: null,
        episode: null,
        data,
      });
    }
  }
}

/** A record's data, with the name that makes it one row however often it is shipped. */
export function rejectedData(
  counted: { readonly field: string; readonly reason: string; readonly count: number; readonly rule: string },
  robotType: string | null,
  source: 'rest' | 'stream',
): RejectedObservationsEvent['data'] {
  return { failure_id: uuidv7(), ...counted, robot_type: robotType, source };
}
