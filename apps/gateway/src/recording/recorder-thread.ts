import { Worker } from 'node:worker_threads';
import type { RecorderAnswer, RecorderOrder } from './recorder-orders.js';

/** A thread runs what is built; the same from `src` and from `dist`. */
const ENTRY = new URL('../../dist/recording/recorder-main.js', import.meta.url);

export interface RecorderThread {
  order(order: RecorderOrder, transfer?: readonly ArrayBuffer[]): void;
  close(): Promise<void>;
}

/** `onEnd`: it died by itself; whatever was being recorded ended with it. */
export function startRecorder(
  onAnswer: (answer: RecorderAnswer) => void,
  onEnd: (error: Error) => void,
): RecorderThread {
  const worker = new Worker(ENTRY, { name: 'recorder', resourceLimits: { maxOldGenerationSizeMb: 512 } });
  let closing = false;
  const ended = (error: Error): void => {
    if (closing) return;
    closing = true;
    onEnd(error);
  };
  worker.on('message', onAnswer);
  worker.on('error', ended);
  worker.on('exit', () => ended(new Error('the thread has ended')));
  worker.unref();
  return {
    order: (order, transfer = []) => worker.postMessage(order, transfer),
    close: async () => {
      closing = true;
      await worker.terminate();
    },
  };
}
