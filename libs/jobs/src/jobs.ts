import { withoutClient } from '@sinew/db';
import { type Job, UnrecoverableError } from 'bullmq';
import { type JobBackend, type JobQueue, type JobWorker, openPostgresBackend, openRedisBackend } from './backend.js';
import { type Payload, parsePayload, type QueueName } from './queues.js';

export interface JobsOptions {
  readonly databaseUrl: string;
  /** Queues live in Redis when given, else in tables of the database. */
  readonly redisUrl?: string | null;
  /** Connections that broke and jobs that failed. Nothing here needs an answer: both are tried again. */
  readonly onError: (error: Error, about: { readonly queue?: QueueName; readonly jobId?: string }) => void;
}

export interface AddOptions {
  /** A job with this id is added once, however often it is asked for while it is kept. Not a bare number, no colon. */
  readonly jobId?: string;
  readonly delayMs?: number;
}

export interface RunningJob {
  /** 1 for the first try. */
  readonly attempt: number;
  progress(done: number): Promise<void>;
}

export type Handler<N extends QueueName> = (payload: Payload<N>, job: RunningJob) => Promise<unknown>;

export interface Jobs {
  /** Rejects when the queues' store is away: the caller tries again, or goes without. */
  add<N extends QueueName>(name: N, payload: Payload<N>, options?: AddOptions): Promise<void>;
  /** Runs `handler` for the queue's jobs from now on. Rejects when the store is away; once running, it outlives outages. */
  work<N extends QueueName>(name: N, handler: Handler<N>, concurrency?: number): Promise<void>;
  /** A job of this payload at every time of the cron pattern (UTC). The same id again replaces the schedule. */
  schedule<N extends QueueName>(name: N, schedulerId: string, pattern: string, payload: Payload<N>): Promise<void>;
  /** How many jobs wait, run and have failed. */
  counts(name: QueueName): Promise<Record<string, number>>;
  /** Running jobs are finished, nothing new begins. */
  close(): Promise<void>;
}

export function createJobs(options: JobsOptions): Jobs {
  const queues = new Map<QueueName, Promise<JobQueue>>();
  const workers: JobWorker[] = [];
  let backend: Promise<JobBackend> | null = null;
  let closing: Promise<void> | null = null;
  // One broken connection comes as one error object from the pool and from every queue and worker on it.
  const reported = new WeakSet<Error>();
  const report = (queue?: QueueName) => (error: Error) => {
    if (reported.has(error)) return;
    reported.add(error);
    options.onError(withoutClient(error), queue === undefined ? {} : { queue });
  };

  /** Opened by the first who needs it, and again by the next one if that failed. */
  function open(): Promise<JobBackend> {
    const opening =
      backend ??
      (options.redisUrl === undefined || options.redisUrl === null
        ? openPostgresBackend(options.databaseUrl, report())
        : openRedisBackend(options.redisUrl, report()));
    backend = opening;
    opening.catch(() => {
      if (backend === opening) backend = null;
    });
    return opening;
  }

  function queue(name: QueueName): Promise<JobQueue> {
    const known = queues.get(name);
    if (known !== undefined) return known;
    const opening = open().then(async (store) => {
      const made = store.queue(name);
      made.on('error', report(name));
      // BullMQ remembers a failed first connection for ever: such a queue is thrown away.
      await made.waitUntilReady().catch(async (error: unknown) => {
        await made.close();
        throw error;
      });
      return made;
    });
    queues.set(name, opening);
    opening.catch(() => queues.delete(name));
    return opening;
  }

  async function closeAll(): Promise<void> {
    await Promise.all(workers.map((worker) => worker.close()));
    const opened = await Promise.allSettled(queues.values());
    await Promise.all(opened.map((one) => (one.status === 'fulfilled' ? one.value.close() : undefined)));
    const store = await backend?.catch(() => null);
    await store?.close();
  }

  return {
    async add(name, payload, { jobId, delayMs } = {}) {
      const data = parsePayload(name, payload);
      await (await queue(name)).add(name, data, {
        ...(jobId === undefined ? {} : { jobId }),
        ...(delayMs === undefined ? {} : { delay: delayMs }),
      });
    },

    async work(name, handler, concurrency = 1) {
      const store = await open();
      const worker = store.worker(name, (job) => handle(name, handler, job), concurrency);
      worker.on('error', report(name));
      worker.on('failed', (job, error) =>
        options.onError(error, { queue: name, ...(job?.id ? { jobId: job.id } : {}) }),
      );
      try {
        await worker.waitUntilReady();
      } catch (error) {
        await worker.close(true);
        throw error;
      }
      workers.push(worker);
    },

    async schedule(name, schedulerId, pattern, payload) {
      const data = parsePayload(name, payload);
      await (await queue(name)).upsertJobScheduler(schedulerId, { pattern, tz: 'UTC' }, { name, data });
    },

    async counts(name) {
      return (await queue(name)).getJobCounts('waiting', 'delayed', 'active', 'failed', 'completed');
    },

    close() {
      closing ??= closeAll();
      return closing;
    },
  };
}

function handle<N extends QueueName>(name: N, handler: Handler<N>, job: Job): Promise<unknown> {
  let payload: Payload<N>;
  try {
    payload = parsePayload(name, job.data);
  } catch (error) {
    // Trying again cannot help.
    throw new UnrecoverableError(`payload of ${name}: ${error instanceof Error ? error.message : String(error)}`);
  }
  return handler(payload, {
    attempt: job.attemptsStarted,
    progress: (done) => job.updateProgress(done),
  });
}
