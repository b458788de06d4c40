import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { inTransaction } from '@sinew/db';
import { type AccountEvent, type JournalFault, readJournal } from '@sinew/journal';
import type { Pool } from 'pg';
import { applyEvent, insertFeedback, type Queries } from './apply-event.js';
import { COMMAND_FOLDER, GATEWAY_FOLDER } from './durable-record.js';
import { isAccountEvent } from './events.js';

export interface RestoredAccounts {
  readonly customers: number;
  readonly keys: number;
  /** Customers with a consent. */
  readonly consents: number;
  readonly feedback: number;
  readonly erasures: number;
  /** Damage: what it cost is not restored. Torn ends are none, as nobody was answered on them. */
  readonly faults: readonly JournalFault[];
}

/** Rows of feedback a statement. */
const BATCH = 500;

/** Puts the recorded accounts into an empty database, all or none; answers what is there then. Twice is once. */
export async function restoreAccounts(pool: Pool, dataDir: string): Promise<RestoredAccounts> {
  const faults: JournalFault[] = [];
  const onFault = (fault: JournalFault): void => {
    if (fault.reason !== 'torn') faults.push(fault);
  };
  const sources = [COMMAND_FOLDER, GATEWAY_FOLDER].map((name) => eventsOf(join(dataDir, name), onFault));
  const counts = await inTransaction(pool, async (client) => {
    const feedback = new FeedbackBatch(client);
    for await (const event of merged(sources)) {
      if (event.event === 'feedback') await feedback.add(event.data.row);
      else {
        await feedback.flush();
        await applyEvent(client, event);
      }
    }
    await feedback.flush();
    await client.query(NEXT_NUMBERS);
    const { rows } = await client.query<Omit<RestoredAccounts, 'faults'>>(COUNTS);
    return rows[0];
  });
  const none = { customers: 0, keys: 0, consents: 0, feedback: 0, erasures: 0 };
  return { ...none, ...counts, faults };
}

const COUNTS = `
SELECT (SELECT count(*) FROM vlaapi.customers) AS customers, (SELECT count(*) FROM vlaapi.api_keys) AS keys,
  (SELECT count(*) FROM vlaapi.customer_data_consent) AS consents, (SELECT count(*) FROM vlaapi.feedback) AS feedback,
  (SELECT count(*) FROM vlaapi.erasures) AS erasures`;

/** Rows were given their old numbers: the next one must be a new one. */
const NEXT_NUMBERS = `
SELECT setval('vlaapi.feedback_feedback_id_seq', feedback_id) FROM vlaapi.feedback ORDER BY feedback_id DESC LIMIT 1`;

/** Reports come by the thousands: stored together, as long as they name the same columns. */
class FeedbackBatch {
  #rows: Readonly<Record<string, unknown>>[] = [];
  #columns = '';

  constructor(private readonly database: Queries) {}

  async add(row: Readonly<Record<string, unknown>>): Promise<void> {
    const columns = Object.keys(row).sort().join();
    if (columns !== this.#columns || this.#rows.length >= BATCH) await this.flush();
    this.#columns = columns;
    this.#rows.push(row);
  }

  async flush(): Promise<void> {
    const rows = this.#rows;
    this.#rows = [];
    if (rows.length > 0) await insertFeedback(this.database, rows);
  }
}

async function* eventsOf(dir: string, onFault: (fault: JournalFault) => void): AsyncGenerator<AccountEvent> {
  if (!existsSync(dir)) return;
  for await (const { record } of readJournal({ dir, onFault })) if (isAccountEvent(record)) yield record;
}

/** By time; at the same time what commands recorded comes first, as customers are made there before they send requests. */
async function* merged(sources: readonly AsyncGenerator<AccountEvent>[]): AsyncGenerator<AccountEvent> {
  const heads = await Promise.all(sources.map(async (source) => ({ source, next: await source.next() })));
  for (;;) {
    let first: (typeof heads)[number] | null = null;
    for (const head of heads) {
      if (head.next.done === true) continue;
      if (first === null || head.next.value.t_ms < first.next.value.t_ms) first = head;
    }
    if (first === null) return;
    yield first.next.value as AccountEvent;
    first.next = await first.source.next();
  }
}
