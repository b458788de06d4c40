import { createPostgresBackend, DEFAULT_SCHEMA, isPgPool, type Job, Queue, runMigrations, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import pg from 'pg';
import { JOB_OPTIONS, WORKER_OPTIONS } from './queues.js';

/** BullMQ's types carry their backend; these are the parts of them that both backends share and we use. */
export interface JobQueue {
  add(name: string, data: unknown, options: { readonly jobId?: string; readonly delay?: number }): Promise<unknown>;
  upsertJobScheduler(
    id: string,
    repeat: { readonly pattern: string; readonly tz: string },
    template: { readonly name: string; readonly data: unknown },
  ): Promise<unknown>;
  getJobCounts(
    ...states: ('waiting' | 'delayed' | 'active' | 'failed' | 'completed')[]
  ): Promise<Record<string, number>>;
  on(event: 'error', listener: (error: Error) => void): unknown;
  waitUntilReady(): Promise<unknown>;
  close(): Promise<void>;
}

export interface JobWorker {
  on(event: 'error', listener: (error: Error) => void): unknown;
  on(event: 'failed', listener: (job: Job | undefined, error: Error) => void): unknown;
  waitUntilReady(): Promise<unknown>;
  close(force?: boolean): Promise<void>;
}

export type Processor = (job: Job) => Promise<unknown>;

/** Where the queues live. One of two: tables of the database, or Redis. */
export interface JobBackend {
  queue(name: string): JobQueue;
  worker(name: string, processor: Processor, concurrency: number): JobWorker;
  /** After the queues and workers on it were closed. */
  close(): Promise<void>;
}

/** A LISTEN connection a worker, and a few for queries. */
const POOL_SIZE = 10;

/**
 * Opens BullMQ's PostgreSQL backend in its own schema of the database. Rejects when the database is away; afterwards it
 * outlives restarts of the database.
 */
export async function openPostgresBackend(databaseUrl: string, onError: (error: Error) => void): Promise<JobBackend> {
  // A pool of our own making: as an ES module BullMQ cannot load `pg` itself, and a pool that it is given must set the
  // search path. Keep-alive tells it that a broken LISTEN connection will be noticed, so it need not poll.
  const pool = new pg.Pool({
    connectionString: databaseUrl,
    options: `-c search_path=${DEFAULT_SCHEMA}`,
    application_name: 'sinew jobs',
    max: POOL_SIZE,
    connectionTimeoutMillis: 15_000,
    keepAlive: true,
  });
  pool.on('error', onError);
  try {
    const client = await pool.connect();
    client.on('error', onError);
    try {
      await runMigrations(client);
    } finally {
      client.off('error', onError);
      client.release();
    }
  } catch (error) {
    await pool.end();
    throw error;
  }
  // BullMQ's own test of what it can use; its types know `pg` by shape only.
  const connection: unknown = pool;
  if (!isPgPool(connection)) throw new Error('BullMQ does not take this pg.Pool');
  return {
    queue: (name) => {
      const queue = new Queue(name, { connection, defaultJobOptions: JOB_OPTIONS }, createPostgresBackend);
      return queue;
    },
    worker: (name, processor, concurrency) => {
      const worker = new Worker(name, processor, { ...WORKER_OPTIONS, connection, concurrency }, createPostgresBackend);
      return worker;
    },
    close: () => pool.end(),
  };
}

/** BullMQ on Redis 7+ (`maxmemory-policy noeviction`). Rejects when Redis is away; afterwards it outlives its restarts. */
export async function openRedisBackend(redisUrl: string, onError: (error: Error) => void): Promise<JobBackend> {
  // Who adds a job is to hear that Redis is away; a worker is to wait for it, without end.
  const adding = new Redis(redisUrl, { maxRetriesPerRequest: 1, lazyConnect: true });
  const working = new Redis(redisUrl, { maxRetriesPerRequest: null, lazyConnect: true });
  adding.on('error', onError);
  working.on('error', onError);
  try {
    await Promise.all([adding.connect(), working.connect()]);
  } catch (error) {
    adding.disconnect();
    working.disconnect();
    throw error;
  }
  return {
    queue: (name) => new Queue(name, { connection: adding, defaultJobOptions: JOB_OPTIONS }),
    worker: (name, processor, concurrency) =>
      new Worker(name, processor, { ...WORKER_OPTIONS, connection: working, concurrency }),
    async close() {
      adding.disconnect();
      working.disconnect();
    },
  };
}
