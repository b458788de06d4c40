import type { Feedback, FeedbackLog, FeedbackRow } from '@sinew/db';
import { type LogTail, logIdNode, logIdTimeMs } from '@sinew/journal';
import { SinewError } from '@sinew/protocol';

/** A log of another gateway counts as not there when it has not come to the database within ten looks, three seconds. */
const FOREIGN_LOOKS = 10;
/** One that is older was shipped long ago, or waits for a database that three seconds will not bring. */
const FOREIGN_AGE_MS = 600_000;
/** The journal's tail is read in slices, beside the robots: a long one is read on for whoever asks next. */
const TAIL_PATIENCE_MS = 3_000;
const LOOK_EVERY_MS = 300;
/** Clocks of a cluster differ by less. */
const AHEAD_MS = 60_000;

export interface LogFinderPorts {
  readonly database: Pick<Feedback, 'find' | 'nextId'>;
  readonly tail: Pick<LogTail, 'find'>;
  /** The node number that this gateway's ids carry now. */
  readonly node: () => number;
  /** Unix milliseconds. */
  readonly now: () => number;
  readonly wait: (ms: number) => Promise<void>;
}

/** What a report stands on. */
export type Ground =
  | { readonly kind: 'log'; readonly log: FeedbackLog; readonly feedback_id: number }
  /** The key was used before: this is what it stored. */
  | { readonly kind: 'earlier'; readonly row: FeedbackRow }
  | { readonly kind: 'missing' };

/** Finds the inference that a report is about: in the database, in this gateway's own journal, on its way from another. */
export class LogFinder {
  readonly #ports: LogFinderPorts;

  constructor(ports: LogFinderPorts) {
    this.#ports = ports;
  }

  /** Throws `unavailable` where it may be there but cannot be looked at now. */
  async find(customerId: string, logId: number, idempotencyKey: string | null): Promise<Ground> {
    const { now, node, wait } = this.#ports;
    const first = await this.#inDatabase(customerId, logId, idempotencyKey);
    if (first.kind !== 'missing' || logIdTimeMs(logId) > now() + AHEAD_MS) return first;
    const answer = await this.#inTail(logId);
    if (answer.kind === 'found') {
      const { customer_id, model_id, action } = answer.log;
      if (customer_id !== customerId) return { kind: 'missing' };
      return { kind: 'log', log: { action, model_name: model_id }, feedback_id: await this.#ports.database.nextId() };
    }
    // The shipper may have been faster than both questions.
    const again = await this.#inDatabase(customerId, logId, idempotencyKey);
    if (again.kind !== 'missing') return again;
    if (answer.kind === 'behind') {
      throw new SinewError('unavailable', 'The inference is not in the database yet; try again');
    }
    if (logIdNode(logId) === node() || logIdTimeMs(logId) < now() - FOREIGN_AGE_MS) return again;
    for (let look = 0; look < FOREIGN_LOOKS; look++) {
      await wait(LOOK_EVERY_MS);
      const late = await this.#inDatabase(customerId, logId, idempotencyKey);
      if (late.kind !== 'missing') return late;
    }
    return { kind: 'missing' };
  }

  async #inDatabase(customerId: string, logId: number, idempotencyKey: string | null): Promise<Ground> {
    const about = { log_id: logId, timestamp: new Date(logIdTimeMs(logId)) };
    const { earlier, log, feedback_id } = await this.#ports.database.find(customerId, about, idempotencyKey);
    if (earlier !== null) return { kind: 'earlier', row: earlier };
    return log === null || feedback_id === null ? { kind: 'missing' } : { kind: 'log', log, feedback_id };
  }

  async #inTail(logId: number) {
    const reading = this.#ports.tail.find(logId);
    reading.catch(() => {});
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<{ readonly kind: 'behind' }>((resolve) => {
      timer = setTimeout(() => resolve({ kind: 'behind' }), TAIL_PATIENCE_MS);
    });
    return Promise.race([reading, patience]).finally(() => clearTimeout(timer));
  }
}
