import { appendFile } from 'node:fs/promises';
import {
  createPool,
  type Erasures,
  erasures,
  type ShippedBatch,
  type Shipping,
  type StoreResult,
  shipping,
} from '@sinew/db';
import type { Refused, RowStore } from './store-or-refuse.js';

/** A batch takes milliseconds. A connection that says nothing for so long is dead, though TCP does not know it yet. */
const STORE_LIMIT_MS = 30_000;

type Pool = ReturnType<typeof createPool>;

interface Client {
  end(): Promise<void>;
}

class HangingError extends Error {
  override readonly name = 'HangingError';
}

/** The database as the shipper sees it: connections are renewed when one hangs. */
export class ShippingDatabase implements RowStore {
  readonly #url: string;
  readonly #refusedFile: string;
  readonly #onError: (error: unknown, message: string) => void;
  #clients = new Set<Client>();
  #pool: Pool;
  #shipping: Shipping;
  #durable: boolean | null = null;

  constructor(url: string, refusedFile: string, onError: (error: unknown, message: string) => void) {
    this.#url = url;
    this.#refusedFile = refusedFile;
    this.#onError = onError;
    this.#pool = this.#connect();
    this.#shipping = shipping(this.#pool);
  }

  store(batch: ShippedBatch, waiting?: () => void): Promise<StoreResult> {
    return this.#limited(() => this.#shipping.store(batch, waiting));
  }

  erasures<T>(work: (erasures: Erasures) => Promise<T>): Promise<T> {
    return this.#limited(() => work(erasures(this.#pool)));
  }

  async refuse({ table, row }: Refused, error: unknown): Promise<void> {
    const reason = error instanceof Error ? error.message : String(error);
    // Before the checkpoint passes it: from then on this file is the only place that has the row.
    await appendFile(this.#refusedFile, `${toJson({ table, reason, row })}\n`, { mode: 0o600, flush: true });
    this.#onError(error, `what the database does not take (${table}) is kept in ${this.#refusedFile}`);
  }

  /**
   * Whether the database keeps what it acknowledged over a power cut, so that journal segments are of no more use to it: the embedded
   * one runs without fsync. Asked, not configured: the wrong answer would delete the only good copy. Whether a commit waits for
   * the disk is no question: `store` says so with each.
   */
  async isDurable(): Promise<boolean> {
    this.#durable ??= await this.#limited(async () => {
      const { rows } = await this.#pool.query<{ fsync: string }>('SHOW fsync');
      return rows[0]?.fsync === 'on';
    });
    return this.#durable;
  }

  async close(): Promise<void> {
    await this.#pool.end();
  }

  #connect(): Pool {
    const pool = createPool(this.#url, {
      max: 2,
      applicationName: 'sinew shipper',
      onError: (error) => this.#onError(error, 'database connection lost'),
    });
    const clients = new Set<Client>();
    pool.on('connect', (client) => clients.add(client));
    pool.on('remove', (client) => clients.delete(client));
    this.#clients = clients;
    return pool;
  }

  /** A new pool. The old one's `end` waits for its clients: `Client.end` destroys the socket of one that waits for an answer. */
  #reconnect(): void {
    const old = this.#pool;
    const clients = this.#clients;
    this.#pool = this.#connect();
    this.#shipping = shipping(this.#pool);
    for (const client of clients) client.end().catch(() => {});
    old.end().catch(() => {});
  }

  async #limited<T>(work: () => Promise<T>): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const limit = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => reject(new HangingError(`no answer within ${STORE_LIMIT_MS} ms`)), STORE_LIMIT_MS);
    });
    const working = work();
    try {
      return await Promise.race([working, limit]);
    } catch (error) {
      if (error instanceof HangingError) {
        // What may still come of the hanging query is of no interest: storing is idempotent.
        working.catch(() => {});
        this.#reconnect();
      }
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }
}

/** Binary columns as base64, at any depth: a refused record may hold several. */
function toJson(value: unknown): string {
  return JSON.stringify(value, function (this: Record<string, unknown>, key, plain: unknown) {
    // `plain` is what Buffer.toJSON made of it.
    const raw = this[key];
    return raw instanceof Uint8Array ? Buffer.from(raw).toString('base64') : plain;
  });
}
