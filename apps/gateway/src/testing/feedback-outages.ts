import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { restoreAccounts } from '@sinew/accounts';
import type { FeedbackReceipt } from '@sinew/contracts';
import { createPool, EMPTY_BATCH, migrate, repositories } from '@sinew/db';
import { inferenceRow, startTestDatabase } from '@sinew/db/testing';
import { LogIds, logIdTimeMs } from '@sinew/journal';
import { expect } from 'vitest';
import { startGatewayEntry } from './gateway-child.js';

const POSTS = 10_000;
const IN_FLIGHT = 16;
const LOGS = 200;
/** As many refusals make an outage that everybody noticed. */
const NOTICED = 40;
/** What a patient client waits before it tries again. */
const RETRY_MS = 30;

export interface FailingDatabase {
  /** What the gateway connects to. */
  readonly url: string;
  /** One that never fails, or the same. */
  readonly checkUrl: string;
  readonly outages: number;
  begin(outage: number): Promise<void>;
  end(outage: number): Promise<void>;
}

/**
 * Posts feedback over real sockets to the real gateway, 16 at a time, while the database goes away and comes back; clients
 * send what was not answered 201 again with its key. Every 201 is in the table, none twice, with the number it was told;
 * embedded, the record that outlives the database says the same.
 */
export async function postThroughOutages(database: FailingDatabase, kept: 'recorded' | 'not recorded'): Promise<void> {
  const pool = createPool(database.checkUrl, { onError: () => undefined });
  await migrate(pool);
  const repo = repositories(pool);
  const customer = await repo.accounts.createCustomer({ name: 'outages', tier: 'enterprise' });
  const { customer_id } = customer;
  const { key } = await repo.accounts.createKey(customer_id, { name: 'k', scopes: ['feedback'] });
  const ids = new LogIds(0);
  const logs = Array.from({ length: LOGS }, () => ids.next(Date.now()));
  const at = (log_id: number) => new Date(logIdTimeMs(log_id)).toISOString();
  await repo.shipping.store({
    ...EMPTY_BATCH,
    inferences: logs.map((log_id) => inferenceRow({ log_id, timestamp: at(log_id), customer_id })),
  });
  const dataDir = mkdtempSync(join(tmpdir(), 'sinew-outages-'));
  const gateway = await startGatewayEntry(database.url, dataDir);
  const agent = new Agent({ keepAlive: true, maxSockets: IN_FLIGHT });
  const receipts = new Map<string, number>();
  let refused = 0;
  let wake = () => {};

  const post = (index: number, idempotencyKey: string) =>
    new Promise<{ status: number; body: string }>((resolve, reject) => {
      const body = JSON.stringify({ log_id: logs[index % LOGS], rating: 1 + (index % 5), notes: `post ${index}` });
      const sent = request(
        {
          agent,
          port: gateway.ready.port,
          host: '127.0.0.1',
          path: '/v1/feedback/success',
          method: 'POST',
          headers: {
            Authorization: `Bearer ${key}`,
            'Content-Type': 'application/json',
            'Content-Length': Buffer.byteLength(body),
            'Idempotency-Key': idempotencyKey,
          },
        },
        (answer) => {
          const parts: Buffer[] = [];
          answer.on('data', (part: Buffer) => parts.push(part));
          answer.on('end', () => resolve({ status: answer.statusCode ?? 0, body: Buffer.concat(parts).toString() }));
          answer.on('error', reject);
        },
      );
      sent.on('error', reject);
      sent.end(body);
    });

  let next = 0;
  const client = async (): Promise<void> => {
    for (let index = next++; index < POSTS; index = next++) {
      const idempotencyKey = randomUUID();
      for (;;) {
        const { status, body } = await post(index, idempotencyKey);
        if (status === 201) {
          receipts.set(idempotencyKey, (JSON.parse(body) as FeedbackReceipt).feedback_id);
          wake();
          break;
        }
        // A database that is away is never the client's fault, and never a fault of the server.
        if (status !== 503) throw new Error(`post ${index} was answered ${status}: ${body}`);
        expect(JSON.parse(body)).toMatchObject({ error: 'unavailable' });
        refused++;
        wake();
        await sleep(RETRY_MS);
      }
    }
  };
  const until = async (enough: () => boolean): Promise<void> => {
    while (!enough() && receipts.size < POSTS) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  };
  const failing = async (): Promise<void> => {
    for (let outage = 1; outage <= database.outages; outage++) {
      const due = (outage * POSTS) / (database.outages + 1);
      await until(() => receipts.size >= due);
      const before = refused;
      await database.begin(outage);
      await until(() => refused >= before + NOTICED);
      await database.end(outage);
    }
  };
  try {
    await Promise.all([failing(), ...Array.from({ length: IN_FLIGHT }, client)]);
    expect(receipts.size).toBe(POSTS);
    expect(refused).toBeGreaterThanOrEqual(database.outages * NOTICED);
    const stored = await pool.query<{ idempotency_key: string; feedback_id: number }>(
      'SELECT idempotency_key, feedback_id FROM vlaapi.feedback WHERE customer_id = $1',
      [customer_id],
    );
    expect(new Map(stored.rows.map((row) => [row.idempotency_key, row.feedback_id]))).toEqual(receipts);
    expect(stored.rows.length).toBe(POSTS);
  } finally {
    await gateway.stop();
    agent.destroy();
    await pool.end();
  }
  // With a database of one's own nothing is recorded, and nothing is restored.
  const { rows, restored } = await restore(dataDir, customer);
  rmSync(dataDir, { recursive: true, force: true });
  expect(restored).toBe(kept === 'recorded' ? POSTS : 0);
  if (kept === 'recorded') expect(rows).toEqual(receipts);
}

/** What the gateway's record brings into an empty database. */
async function restore(dataDir: string, customer: { readonly customer_id: string; readonly name: string }) {
  const empty = await startTestDatabase();
  const pool = createPool(empty.url);
  try {
    await migrate(pool);
    await repositories(pool).accounts.createCustomer(customer);
    const { feedback: restored } = await restoreAccounts(pool, dataDir);
    const { rows } = await pool.query<{ idempotency_key: string; feedback_id: number }>(
      'SELECT idempotency_key, feedback_id FROM vlaapi.feedback',
    );
    return { restored, rows: new Map(rows.map((row) => [row.idempotency_key, row.feedback_id])) };
  } finally {
    await pool.end();
    await empty.close();
  }
}
