import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { JobBackend } from './backend.js';
import { createJobs, type Handler, type Jobs, type JobsOptions } from './jobs.js';

export interface QueueStore {
  readonly options: Pick<JobsOptions, 'databaseUrl' | 'redisUrl'>;
  /** The same store, past our own checks: for what a foreign or older sender may have put there. */
  raw(): Promise<JobBackend>;
  /** An outage: takes the store away, and brings it back with everything it held. */
  readonly outage: { begin(): Promise<void>; end(): Promise<void> };
  close(): Promise<void>;
}

/** A handler that a test waits on. */
function recorder<T>(): { seen: T[]; handler: (payload: T) => Promise<void>; next(): Promise<T> } {
  const seen: T[] = [];
  const waiting: (() => void)[] = [];
  let taken = 0;
  return {
    seen,
    async handler(payload) {
      seen.push(payload);
      waiting.shift()?.();
    },
    async next() {
      if (seen.length <= taken) await new Promise<void>((resolve) => waiting.push(resolve));
      return seen[taken++] as T;
    },
  };
}

function deferred<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => undefined;
  const promise = new Promise<T>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

const hour = (n: number) => ({ hour: new Date(Date.UTC(2026, 10, 6, n)).toISOString() });

/** What every store of queues must do. */
export function registerJobTests(name: string, open: () => Promise<QueueStore>): void {
  describe(`jobs on ${name}`, () => {
    let store: QueueStore;
    const opened: Jobs[] = [];
    const errors: Error[] = [];
    const jobs = () => {
      const made = createJobs({ ...store.options, onError: (error) => errors.push(error) });
      opened.push(made);
      return made;
    };

    beforeAll(async () => {
      store = await open();
    });
    afterAll(async () => {
      await Promise.all(opened.map((one) => one.close()));
      await store?.close();
    });

    test('a job is run with what it carries, once a job id; another process’s worker picks it up', async () => {
      const { handler, next, seen } = recorder<{ hour: string }>();
      const worker = jobs();
      await worker.work('instruction-stats', handler);
      const sender = jobs();
      await sender.add('instruction-stats', hour(1), { jobId: 'one' });
      expect(await next()).toEqual(hour(1));
      await sender.add('instruction-stats', hour(1), { jobId: 'one' });
      await sender.add('instruction-stats', hour(2), { jobId: 'two', delayMs: 50 });
      expect(await next()).toEqual(hour(2));
      expect(seen).toEqual([hour(1), hour(2)]);
      await worker.close();
    });

    test('a payload that is none is refused before it is queued', async () => {
      await expect(jobs().add('instruction-stats', { hour: 'noon' })).rejects.toThrow(/hour/);
    });

    test('a payload that is none, queued by somebody else, fails at once and stays for a person to look', async () => {
      const raw = await store.raw();
      const queue = raw.queue('instruction-stats');
      await queue.waitUntilReady();
      const before = (await queue.getJobCounts('failed')).failed ?? 0;
      await queue.add('instruction-stats', { hour: 7 }, {});
      const failed = deferred<Error>();
      const worker = createJobs({ ...store.options, onError: (error) => failed.resolve(error) });
      opened.push(worker);
      const never: Handler<'instruction-stats'> = () => Promise.reject(new Error('ran'));
      await worker.work('instruction-stats', never);
      expect((await failed.promise).message).toMatch(/payload of instruction-stats/);
      await expect.poll(async () => (await queue.getJobCounts('failed')).failed, { timeout: 20_000 }).toBe(before + 1);
      await worker.close();
      await queue.close();
      await raw.close();
    });

    test('a job that fails is tried again', async () => {
      const { handler, next } = recorder<number>();
      const worker = jobs();
      await worker.work('partitions', async (_payload, job) => {
        await handler(job.attempt);
        if (job.attempt === 1) throw new Error('not yet');
      });
      await worker.add('partitions', {});
      expect([await next(), await next()]).toEqual([1, 2]);
      expect(errors.map((error) => error.message)).toContain('not yet');
      await worker.close();
    });

    test('a schedule set twice is one schedule', async () => {
      const one = jobs();
      await one.schedule('partitions', 'nightly', '0 1 * * *', {});
      await one.schedule('partitions', 'nightly', '0 2 * * *', {});
      expect((await one.counts('partitions')).delayed).toBe(1);
    });

    test('closing lets the running job end', async () => {
      const worker = jobs();
      const began = deferred<void>();
      const mayEnd = deferred<void>();
      let ended = false;
      await worker.work('instruction-stats', async () => {
        began.resolve();
        await mayEnd.promise;
        ended = true;
      });
      await worker.add('instruction-stats', hour(5));
      await began.promise;
      const closed = worker.close();
      mayEnd.resolve();
      await closed;
      expect(ended).toBe(true);
    });

    test('a worker outlives an outage of the store, and no job is lost in it', async () => {
      const { handler, next } = recorder<{ hour: string }>();
      const worker = jobs();
      await worker.work('instruction-stats', handler);
      const sender = jobs();
      await sender.add('instruction-stats', hour(8), { delayMs: 1_000 });
      await store.outage.begin();
      await expect(sender.add('instruction-stats', hour(9))).rejects.toThrow();
      await expect(jobs().add('instruction-stats', hour(9))).rejects.toThrow();
      await store.outage.end();
      await sender.add('instruction-stats', hour(10));
      const seen = [await next(), await next()].map((payload) => payload.hour).sort();
      expect(seen).toEqual([hour(8).hour, hour(10).hour]);
      await worker.close();
    });
  });
}
