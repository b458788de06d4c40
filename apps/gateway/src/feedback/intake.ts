import { type DurableRecord, feedbackEvent, RecordFailed } from '@sinew/accounts';
import type { FeedbackType } from '@sinew/contracts';
import { type Feedback, type FeedbackLog, type FeedbackRow, isDatabaseAway } from '@sinew/db';
import { logIdTimeMs } from '@sinew/journal';
import { scrubSecrets, scrubText } from '@sinew/privacy';
import { type ActionSpace, SinewError } from '@sinew/protocol';
import type { Principal } from '../auth.js';
import { RequestFault } from '../http/request-fault.js';
import type { LogFinder } from './log-finder.js';

/** A connection that says nothing for so long is dead; the client is told to come again. */
const PATIENCE_MS = 12_000;
/** Recorded, and then the database went away: kept so that a repeat stores the very same row. */
const MOST_UNSTORED = 1_000;

export interface Report {
  readonly feedback_type: FeedbackType;
  readonly log_id: number;
  readonly rating?: number;
  readonly corrected_action?: readonly number[];
  readonly failure_reason?: string;
  readonly notes: string | null;
}

export interface IntakePorts {
  readonly finder: Pick<LogFinder, 'find'>;
  readonly database: Pick<Feedback, 'store'>;
  readonly durable: DurableRecord;
  /** Told of every row that was stored, once it is. */
  readonly stored: (feedbackId: number) => void;
  /** Null where the model is not served here. */
  readonly actionSpace: (model: string) => ActionSpace | null;
  /** Whether this customer's text may be kept as it was given. */
  readonly mayKeepText: (customerId: string) => boolean | Promise<boolean>;
  /** Unix milliseconds. */
  readonly now: () => number;
}

/**
 * Takes reports in. A row is recorded, then stored, then answered; what it is compared with comes from its log. Requests with
 * one key are taken one after the other, so that one of them stores and the others find its row.
 */
export class FeedbackIntake {
  readonly #ports: IntakePorts;
  /** The last one of those that wait for their turn, by customer and key. */
  readonly #turns = new Map<string, Promise<unknown>>();
  readonly #unstored = new Map<string, FeedbackRow>();

  constructor(ports: IntakePorts) {
    this.#ports = ports;
  }

  /** The row as it stands in the database. Throws what the client is to be told. */
  take(principal: Principal, report: Report, idempotencyKey: string | null): Promise<FeedbackRow> {
    const taking =
      idempotencyKey === null
        ? this.#take(principal, report, null)
        : this.#inTurn(`${principal.customerId} ${idempotencyKey}`, () =>
            this.#take(principal, report, idempotencyKey),
          );
    return inTime(taking);
  }

  /** Rows were erased: none of them is stored by a repeat. */
  forget(): void {
    this.#unstored.clear();
  }

  async #take(principal: Principal, report: Report, key: string | null): Promise<FeedbackRow> {
    const { customerId } = principal;
    const text = (await this.#ports.mayKeepText(customerId)) ? scrubSecrets : scrubText;
    const scrubbed = {
      ...report,
      ...(report.failure_reason === undefined ? {} : { failure_reason: text(report.failure_reason) }),
      notes: report.notes === null ? null : text(report.notes),
    };
    const unstored = key === null ? undefined : this.#unstored.get(`${customerId} ${key}`);
    if (unstored !== undefined && isReport(unstored, scrubbed)) return this.#store(unstored, scrubbed);
    const ground = await this.#ports.finder.find(customerId, report.log_id, key);
    switch (ground.kind) {
      case 'missing':
        throw new SinewError('not_found', `Inference log ${report.log_id} not found or doesn't belong to customer`, {
          field: 'log_id',
        });
      case 'earlier':
        return sameOrDuplicate(ground.row, scrubbed);
      case 'log': {
        const row = this.#rowOf(principal, scrubbed, key, ground.log, ground.feedback_id);
        await this.#record(row);
        return this.#store(row, scrubbed);
      }
    }
  }

  #rowOf(principal: Principal, report: Report, key: string | null, log: FeedbackLog, feedbackId: number): FeedbackRow {
    const corrected = report.corrected_action ?? null;
    const correction = corrected === null ? NO_CORRECTION : this.#correction(corrected, log);
    return {
      feedback_id: feedbackId,
      customer_id: principal.customerId,
      key_id: principal.keyId,
      log_id: report.log_id,
      log_timestamp: new Date(logIdTimeMs(report.log_id)),
      feedback_type: report.feedback_type,
      rating: report.rating ?? null,
      corrected_action: corrected,
      ...correction,
      failure_reason: report.failure_reason ?? null,
      notes: report.notes,
      timestamp: new Date(this.#ports.now()),
      idempotency_key: key,
    };
  }

  #correction(corrected: readonly number[], { action, model_name }: FeedbackLog) {
    if (action.length === 0) throw faulty([], 'the inference has no action that could be corrected');
    if (corrected.length !== action.length) {
      throw faulty([], `must have ${action.length} components like the inference's action (got ${corrected.length})`);
    }
    const gripper = corrected.length - 1;
    const last = corrected[gripper] ?? 0;
    if (this.#ports.actionSpace(model_name) === 'ee_delta' && !(last >= 0 && last <= 1)) {
      throw faulty([gripper], `the gripper must be between 0 (closed) and 1 (open) (got ${last})`);
    }
    const delta = corrected.map((value, i) => value - (action[i] ?? 0));
    return { original_action: action, correction_delta: delta, correction_magnitude: Math.hypot(...delta) };
  }

  async #record(row: FeedbackRow): Promise<void> {
    try {
      await this.#ports.durable.record([feedbackEvent(row)]);
    } catch (error) {
      if (error instanceof RecordFailed) throw new SinewError('unavailable', error.message, { cause: error });
      throw error;
    }
  }

  async #store(row: FeedbackRow, report: Report): Promise<FeedbackRow> {
    const key = row.idempotency_key === null ? null : `${row.customer_id} ${row.idempotency_key}`;
    try {
      const stored = await this.#ports.database.store(row);
      if (key !== null) this.#unstored.delete(key);
      this.#ports.stored(stored.feedback_id);
      return stored.feedback_id === row.feedback_id ? stored : sameOrDuplicate(stored, report);
    } catch (error) {
      if (key !== null && isDatabaseAway(error)) this.#remember(key, row);
      throw error;
    }
  }

  #remember(key: string, row: FeedbackRow): void {
    this.#unstored.set(key, row);
    if (this.#unstored.size <= MOST_UNSTORED) return;
    const oldest = this.#unstored.keys().next();
    if (!oldest.done) this.#unstored.delete(oldest.value);
  }

  #inTurn<T>(key: string, work: () => Promise<T>): Promise<T> {
    const before = this.#turns.get(key);
    const turn = before === undefined ? work() : before.then(work, work);
    this.#turns.set(key, turn);
    const leave = () => {
      if (this.#turns.get(key) === turn) this.#turns.delete(key);
    };
    turn.then(leave, leave);
    return turn;
  }
}

const NO_CORRECTION = { original_action: null, correction_delta: null, correction_magnitude: null };

const faulty = (path: readonly number[], reason: string): RequestFault =>
  new RequestFault('validation_failed', 'body', [
    { loc: ['body', 'corrected_action', ...path], msg: reason, type: 'value_error' },
  ]);

function sameOrDuplicate(row: FeedbackRow, report: Report): FeedbackRow {
  if (isReport(row, report)) return row;
  throw new SinewError('duplicate', 'The Idempotency-Key was used for another report', { field: 'Idempotency-Key' });
}

function isReport(row: FeedbackRow, report: Report): boolean {
  return (
    row.feedback_type === report.feedback_type &&
    row.log_id === report.log_id &&
    row.rating === (report.rating ?? null) &&
    row.corrected_action?.join() === report.corrected_action?.join() &&
    isText(row.failure_reason, report.failure_reason ?? null) &&
    isText(row.notes, report.notes)
  );
}

/** Whether text is kept as it was given may have changed since. */
const isText = (stored: string | null, given: string | null): boolean =>
  stored === given || (stored !== null && given !== null && scrubText(stored) === scrubText(given));

async function inTime<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  work.catch(() => {});
  const limit = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(
      () => reject(new SinewError('unavailable', 'The database did not answer in time; send the same request again')),
      PATIENCE_MS,
    );
  });
  return Promise.race([work, limit]).finally(() => clearTimeout(timer));
}
