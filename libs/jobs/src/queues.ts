import { z } from 'zod';

/**
 * Every queue once: what its jobs carry (ids, never data) and how they are tried again. Handlers are idempotent: a job may
 * run twice, and a lost lock does run it twice.
 */
export const QUEUES = {
  /** Statistics of the instructions used in one hour (UTC). */
  'instruction-stats': { payload: z.object({ hour: z.iso.datetime() }) },
  /** Brings stored reports into the statistics; without ids whatever no job took. */
  feedback: { payload: z.object({ feedback_ids: z.array(z.int().min(1)).max(1_000).optional() }) },
  /** Keeps the monthly partitions of the inference logs made ahead. */
  partitions: { payload: z.object({}) },
  /** Refreshes the materialised views. */
  views: { payload: z.object({}) },
} as const satisfies Record<string, { readonly payload: z.ZodType }>;

export type QueueName = keyof typeof QUEUES;
export type Payload<N extends QueueName> = z.infer<(typeof QUEUES)[N]['payload']>;

/** Throws a ZodError; a payload that does not parse is a bug of the sender and never runs. */
export function parsePayload<N extends QueueName>(name: N, data: unknown): Payload<N> {
  return QUEUES[name].payload.parse(data) as Payload<N>;
}

/** Finished jobs are kept forever unless told otherwise; failed ones wait a week for a person to look. */
export const JOB_OPTIONS = {
  attempts: 10,
  backoff: { type: 'exponential', delay: 1_000 },
  removeOnComplete: { age: 3_600, count: 1_000 },
  removeOnFail: { age: 7 * 86_400 },
} as const;

/**
 * A worker that lost its database mid-job lost the job's lock: the job counts as stalled and is taken again. That is no
 * fault of the job, so it may happen often before it counts as failed.
 */
export const WORKER_OPTIONS = {
  lockDuration: 15_000,
  stalledInterval: 10_000,
  maxStalledCount: 20,
  /** After a lost connection; the default (15 s) would leave a restarted embedded database idle. */
  runRetryDelay: 1_000,
} as const;
