import { type MessagePort, parentPort } from 'node:worker_threads';
import type { FileAnswer, FileOrder } from './file-thread.js';
import { closeFile, createSegmentFile, syncFile, truncateFile, writeAll } from './segment-files.js';

// The thread that waits for the disk so that no robot's loop does. One order after the other, as they came.

function carryOut(order: FileOrder): number {
  switch (order.op) {
    case 'create':
      return createSegmentFile(order.path, order.head);
    case 'write':
      writeAll(order.fd, new Uint8Array(order.shared), order.length, order.position);
      return 0;
    case 'sync':
      syncFile(order.fd);
      return 0;
    case 'truncate':
      truncateFile(order.fd, order.length);
      return 0;
    case 'close':
      closeFile(order.fd);
      return 0;
  }
}

parentPort?.once('message', ({ port }: { port: MessagePort }) => {
  port.on('message', ({ id, order }: { id: number; order: FileOrder }) => {
    let answer: FileAnswer;
    try {
      answer = { id, result: carryOut(order) };
    } catch (error) {
      const { code = 'UNKNOWN', message } = error as NodeJS.ErrnoException;
      answer = { id, failure: { code, message } };
    }
    port.postMessage(answer);
  });
});
