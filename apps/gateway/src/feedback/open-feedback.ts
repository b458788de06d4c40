import { setTimeout as sleep } from 'node:timers/promises';
import type { DurableRecord } from '@sinew/accounts';
import type { Feedback } from '@sinew/db';
import { LogTail } from '@sinew/journal';
import type { FeedbackDeps } from '../http/feedback.js';
import type { ModelCatalogue } from '../models.js';
import { IngestionQueue, type IngestionQueuePorts } from './ingestion-queue.js';
import { FeedbackIntake, type IntakePorts } from './intake.js';
import { LogFinder, type LogFinderPorts } from './log-finder.js';

/** Queues that are away are not waited for: the worker's sweep finds what they do not hear of. */
const CLOSE_MS = 500;

export interface FeedbackParts {
  readonly database: Feedback;
  readonly durable: DurableRecord;
  readonly journalDir: string;
  readonly node: LogFinderPorts['node'];
  readonly models: Pick<ModelCatalogue, 'find'>;
  readonly mayKeepText: IntakePorts['mayKeepText'];
  readonly queue: IngestionQueuePorts;
  /** Unix milliseconds. */
  readonly now: () => number;
}

export interface OpenFeedback extends FeedbackDeps {
  /** An erasure makes it forget what waits in memory: logs that are not shipped, rows that are not stored. */
  readonly tail: Pick<LogTail, 'find' | 'forget'>;
  /** What was stored is queued, as far as the queues are there. */
  close(): Promise<void>;
}

/** Puts the parts of feedback together. */
export function openFeedback(parts: FeedbackParts): OpenFeedback {
  const { database, durable, models, mayKeepText, node, now } = parts;
  const tail = new LogTail({ dir: parts.journalDir });
  const queue = new IngestionQueue(parts.queue);
  const finder = new LogFinder({ database, tail, node, now, wait: (ms) => sleep(ms) });
  const intake = new FeedbackIntake({
    finder,
    database,
    durable,
    stored: (feedbackId) => queue.note(feedbackId),
    actionSpace: (model) => models.find(model)?.description.action_space ?? null,
    mayKeepText,
    now,
  });
  return {
    intake,
    database,
    now,
    tail: {
      find: (logId) => tail.find(logId),
      forget: () => {
        intake.forget();
        return tail.forget();
      },
    },
    async close() {
      await Promise.race([queue.close(), sleep(CLOSE_MS, undefined, { ref: false })]);
      await tail.close();
    },
  };
}
