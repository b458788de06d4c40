import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { inTransaction } from '@sinew/db';
import { type AccountEvent, type JournalFault, readJournal } from '@sinew/journal';
import type { Pool, PoolClient } from 'pg';
import { applyEvent, insertFeedback } from './apply-event.js';
import { COMMAND_FOLDER, GATEWAY_FOLDER } from './durable-record.js';
import { isAccountEvent } from './events.js';

export interface RestoredAccounts {
  readonly customers: number;
  readonly keys: number;
  /** Customers with a consent. */
  readonly consents: number;
  readonly feedback: number;
  readonly erasures: number;
  /** Events that the tables do not take, such as of a rule that came later: left out, so that they keep nothing else out. */
  readonly refused: number;
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
    let refused = 0;
    const feedback = new FeedbackBatch(client);
    for await (const event of merged(sources)) {
      if (event.event === 'feedback') await feedback.add(event.data.row);
      else {
        await feedback.flush();
        if (!(await isTaken(client, () => applyEvent(client, event)))) refused++;
      }
    }
    await feedback.flush();
    refused += feedback.refused;
    await client.query(NEXT_NUMBERS);
    const { rows } = await client.query<Omit<RestoredAccounts, 'faults' | 'refused'>>(COUNTS);
    return { ...rows[0], refused };
  });
  const none = { customers: 0, keys: 0, consents: 0, feedback: 0, erasures: 0, refused: 0 };
  return { ...none, ...counts, faults };
}

/** False where the data itself was refused: SQLSTATE 22 (data) and 23 (integrity). Anything else is thrown. */
async function isTaken(client: PoolClient, work: () => Promise<void>): Promise<boolean> {
  await client.query('SAVEPOINT event');
  try {
    await work();
    await client.query('RELEASE SAVEPOINT event');
    return true;
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && /^2[23]/.test(String(error.code)))) throw error;
    await client.query('ROLLBACK TO SAVEPOINT event');
    return false;
  }
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
  refused = 0;

  constructor(private readonly client: PoolClient) {}

  async add(row: Readonly<Record<string, unknown>>): Promise<void> {
    const columns = Object.keys(row).sort().join();
    if (columns !== this.#columns || this.#rows.length >= BATCH) await this.flush();
    this.#columns = columns;
    this.#rows.push(row);
  }

  async flush(): Promise<void> {
    const rows = this.#rows;
    this.#rows = [];
    if (rows.length === 0 || (await isTaken(this.client, () => insertFeedback(this.client, rows)))) return;
    for (const row of rows) {
      if (!(await isTaken(this.client, () => insertFeedback(this.client, [row])))) this.refused++;
    }
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
