import { appendFile } from 'node:fs/promises';
import { createPool, type ShippedBatch, type StoreResult, shipping } from '@sinew/db';
import type { RefusedRow, RowStore } from './store-or-refuse.js';

/** A batch takes milliseconds. A connection that says nothing for so long is dead, though TCP does not know it yet. */
const STORE_LIMIT_MS = 30_000;

type Pool = ReturnType<typeof createPool>;

class HangingError extends Error {
  override readonly name = 'HangingError';
}

/** The database as the shipper sees it: connections are renewed when one hangs. */
export class ShippingDatabase implements RowStore {
  readonly #url: string;
  readonly #refusedFile: string;
  readonly #onError: (error: unknown, message: string) => void;
  #pool: Pool;
  #durable: boolean | null = null;

  constructor(url: string, refusedFile: string, onError: (error: unknown, message: string) => void) {
    this.#url = url;
    this.#refusedFile = refusedFile;
    this.#onError = onError;
    this.#pool = this.#connect();
  }

  store(batch: ShippedBatch): Promise<StoreResult> {
    return this.#limited(() => shipping(this.#pool).store(batch));
  }

  async refuse({ table, row }: RefusedRow, error: unknown): Promise<void> {
    const reason = error instanceof Error ? error.message : String(error);
    const plain = 'chunk' in row ? { ...row, chunk: Buffer.from(row.chunk).toString('base64') } : row;
    // Before the checkpoint passes it: from then on this file is the only place that has the row.
    await appendFile(this.#refusedFile, `${JSON.stringify({ table, reason, row: plain })}\n`, {
      mode: 0o600,
      flush: true,
    });
    this.#onError(error, `the database refuses a row of ${table}; it is kept in ${this.#refusedFile}`);
  }

  /**
   * Whether the database keeps what it acknowledged over a power cut, so that journal segments are of no more use to it: the embedded
   * one runs without fsync. Asked, not configured: the wrong answer would delete the only good copy.
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
    return createPool(this.#url, {
      max: 2,
      applicationName: 'sinew shipper',
      onError: (error) => this.#onError(error, 'database connection lost'),
    });
  }

  async #limited<T>(work: () => Promise<T>): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const limit = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => reject(new HangingError(`no answer within ${STORE_LIMIT_MS} ms`)), STORE_LIMIT_MS);
    });
    const pool = this.#pool;
    const working = work();
    try {
      return await Promise.race([working, limit]);
    } catch (error) {
      if (error instanceof HangingError) {
        // What may still come of the hanging query is of no interest: storing is idempotent.
        working.catch(() => {});
        this.#pool = this.#connect();
        pool.end().catch(() => {});
      }
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }
}
