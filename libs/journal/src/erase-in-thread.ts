import { Worker } from 'node:worker_threads';
import type { EraseOptions, EraseResult } from './erase.js';

export type ErasePassMessage = { readonly result: EraseResult } | { readonly error: string };

/**
 * `eraseRecords` in a thread of its own: reading gigabytes beside control loops would make ticks late. Rejects where the folder
 * refuses; the pass can be made again.
 */
export function eraseInThread(options: Omit<EraseOptions, 'beforeWrite'>): Promise<EraseResult> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./erase-worker.js', import.meta.url), { workerData: options });
    worker.once('message', (message: ErasePassMessage) => {
      if ('result' in message) resolve(message.result);
      else reject(new Error(message.error));
    });
    worker.once('error', reject);
    worker.once('exit', (code) => reject(new Error(`the erasing thread ended with ${code}`)));
  });
}
