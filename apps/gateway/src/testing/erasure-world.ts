// A customer, another one, a database, a data folder, and the real processes on them.
import { mkdtempSync, rmSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { AccountAdministration, commandRecord, restoreAccounts } from '@sinew/accounts';
import type { ErasureBody } from '@sinew/contracts';
import { createPool, migrate } from '@sinew/db';
import { startTestDatabase } from '@sinew/db/testing';
import { clearCheckpoint, type JournalEntry, loadShippedPosition, readJournal } from '@sinew/journal';
import { type Child, startEntry, startGatewayEntry } from './gateway-child.js';
import { inferenceRequest } from './rest.js';

const SHIPPER = fileURLToPath(new URL('../../../worker/dist/shipper/main.js', import.meta.url));

export interface Tenant {
  readonly customer_id: string;
  readonly key: string;
  /** A word that stands in everything that it says. */
  readonly word: string;
}

export interface Answer {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

interface SomeDatabase {
  readonly url: string;
  close(): Promise<void>;
}

/** Tables in which a customer's word may stand, or whose rows are of it. */
const TABLES = [
  'sessions',
  'episodes',
  'inference_logs',
  'feedback',
  'safety_incidents',
  'quality_gate_failures',
  'context_metadata',
] as const;

export class ErasureWorld {
  readonly dataDir = mkdtempSync(join(tmpdir(), 'sinew-erasure-'));
  readonly journal = join(this.dataDir, 'journal');
  #database: SomeDatabase;
  #gateway: Child<{ port: number }> | null = null;
  #shipper: Child<unknown> | null = null;
  mine: Tenant = { customer_id: '', key: '', word: '' };
  theirs: Tenant = { customer_id: '', key: '', word: '' };

  private constructor(database: SomeDatabase) {
    this.#database = database;
  }

  /** Embedded, or a server that `start` makes a database on. */
  static async create(start: () => Promise<SomeDatabase> = startTestDatabase): Promise<ErasureWorld> {
    const world = new ErasureWorld(await start());
    await world.on(async (pool) => {
      await migrate(pool);
      const administration = new AccountAdministration(pool, commandRecord(world.dataDir));
      const tenant = async (name: string, word: string): Promise<Tenant> => {
        const customer = await administration.createCustomer({ name, tier: 'enterprise' });
        const scopes = ['stream', 'infer', 'feedback', 'admin'] as const;
        const { customer_id, key } = await administration.createKey(customer, { name, scopes, expires_at: null });
        return { customer_id, key, word };
      };
      world.mine = await tenant('mine', 'zebrafish');
      world.theirs = await tenant('theirs', 'okapi');
    });
    return world;
  }

  get databaseUrl(): string {
    return this.#database.url;
  }

  get port(): number {
    return this.#gateway?.ready.port ?? 0;
  }

  async on<T>(work: (pool: ReturnType<typeof createPool>) => Promise<T>): Promise<T> {
    const pool = createPool(this.#database.url, { onError: () => undefined });
    try {
      return await work(pool);
    } finally {
      await pool.end();
    }
  }

  async startGateway(): Promise<void> {
    this.#gateway = await startGatewayEntry(this.#database.url, this.dataDir);
  }

  async stopGateway(signal?: NodeJS.Signals): Promise<void> {
    await this.#gateway?.stop(signal);
    this.#gateway = null;
  }

  async startShipper(): Promise<void> {
    const env = { DATABASE_URL: this.#database.url, SINEW_DATA_DIR: this.dataDir, SINEW_LOG_LEVEL: 'warn' };
    this.#shipper = await startEntry(SHIPPER, env);
  }

  async stopShipper(signal?: NodeJS.Signals): Promise<void> {
    await this.#shipper?.stop(signal);
    this.#shipper = null;
  }

  /** A lost database: an empty one in its place, with the accounts that were recorded; the shipper begins anew. */
  async rebuild(): Promise<void> {
    await this.stopGateway();
    await this.stopShipper();
    await this.#database.close();
    this.#database = await startTestDatabase();
    await clearCheckpoint(this.journal);
    await this.on(async (pool) => {
      await migrate(pool);
      await restoreAccounts(pool, this.dataDir);
    });
  }

  async call(method: string, path: string, tenant: Tenant, body?: object): Promise<Answer> {
    const response = await fetch(`http://127.0.0.1:${this.port}${path}`, {
      method,
      headers: {
        Authorization: `Bearer ${tenant.key}`,
        ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, body: text === '' ? {} : (JSON.parse(text) as Record<string, unknown>) };
  }

  /** One inference over REST; its log_id. */
  async infer(tenant: Tenant): Promise<number> {
    const { status, body } = await this.call(
      'POST',
      '/v1/inference',
      tenant,
      inferenceRequest(`pick up the ${tenant.word}`),
    );
    if (status !== 200) throw new Error(`inference was answered ${status}: ${JSON.stringify(body)}`);
    return body.log_id as number;
  }

  /** Asks until the erasure is complete. */
  async complete(tenant: Tenant, erasureId: string): Promise<ErasureBody> {
    for (;;) {
      const { status, body } = await this.call('GET', `/v1/data/erasures/${erasureId}`, tenant);
      if (status !== 200) throw new Error(`the report was answered ${status}: ${JSON.stringify(body)}`);
      if (body.status === 'complete') return body as unknown as ErasureBody;
      await sleep(200);
    }
  }

  /** Waits until the shipper has passed everything that the journal holds now. */
  async shipped(): Promise<void> {
    const end = (await this.entries()).at(-1)?.next;
    for (;;) {
      const at = await loadShippedPosition(this.journal);
      if (end === undefined || (at !== null && (at.segment > end.segment || at.offset >= end.offset))) return;
      await sleep(50);
    }
  }

  async entries(): Promise<JournalEntry[]> {
    const all: JournalEntry[] = [];
    for await (const entry of readJournal({ dir: this.journal })) all.push(entry);
    return all;
  }

  /** Files of the data folder in which a word stands. */
  async filesWith(word: string): Promise<string[]> {
    const found: string[] = [];
    for (const folder of await readdir(this.dataDir)) {
      for (const name of await readdir(join(this.dataDir, folder)).catch(() => [])) {
        const bytes = await readFile(join(this.dataDir, folder, name)).catch(() => Buffer.alloc(0));
        if (bytes.includes(word)) found.push(`${folder}/${name}`);
      }
    }
    return found;
  }

  /** The database's rows of a tenant, as text. */
  rows(tenant: Tenant): Promise<Record<string, string[]>> {
    return this.on(async (pool) => {
      const all: Record<string, string[]> = {};
      for (const table of TABLES) {
        const { rows } = await pool.query<{ row: string }>(
          `SELECT to_jsonb(t)::text AS row FROM vlaapi.${table} t WHERE customer_id = $1 ORDER BY 1`,
          [tenant.customer_id],
        );
        all[table] = rows.map(({ row }) => row);
      }
      return all;
    });
  }

  async close(): Promise<void> {
    await this.stopGateway();
    await this.stopShipper();
    await this.#database.close();
    rmSync(this.dataDir, { recursive: true, force: true });
  }
}
