// The thread of `eraseInThread`: one pass, one answer.
import { parentPort, workerData } from 'node:worker_threads';
import { type EraseOptions, eraseRecords } from './erase.js';
import type { ErasePassMessage } from './erase-in-thread.js';

const answer = (message: ErasePassMessage): void => parentPort?.postMessage(message);

eraseRecords(workerData as EraseOptions).then(
  (result) => answer({ result }),
  (error: unknown) => answer({ error: error instanceof Error ? error.message : String(error) }),
);
