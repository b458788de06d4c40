import { parentPort } from 'node:worker_threads';
import { FileRecording, type Kept } from './file-recording.js';
import type { RecorderAnswer, RecorderOrder } from './recorder-orders.js';
import { eraseRecordings, recoverRecordings } from './recording-files.js';

// The thread that encodes and writes recordings, so that no robot's loop does: it may wait for its disk as long as it likes.

/** Longer than this nothing stays in memory: it is what a crash costs. */
const FLUSH_MS = 1_000;
const LOOK_EVERY_MS = 250;

const port = parentPort;
const open = new Map<number, Kept>();

const say = (answer: RecorderAnswer): void => {
  const parts = answer.op === 'took' ? answer.parts : [];
  port?.postMessage(
    answer,
    parts.map(({ buffer }) => buffer as ArrayBuffer),
  );
};

const took = (id: number, kept: Kept, cost: number): void => {
  const { parts, written } = kept.takeOutput();
  if (cost > 0 || written > 0) say({ op: 'took', id, cost, written, parts });
};

/** Whatever fails ends that recording alone; what is on the disk of it can be recovered. */
function guarded(id: number, work: () => void): void {
  try {
    work();
  } catch (error) {
    open.get(id)?.abandon();
    open.delete(id);
    say({ op: 'ended', id, messages: 0, failure: messageOf(error) });
  }
}

function carryOut(order: RecorderOrder): void {
  switch (order.op) {
    case 'begin':
      guarded(order.id, () => {
        const kept = new FileRecording(order.head, order.path);
        open.set(order.id, kept);
        took(order.id, kept, 0);
      });
      return;
    case 'add':
      guarded(order.id, () => {
        const kept = open.get(order.id);
        if (kept === undefined) return;
        for (const moment of order.moments) kept.add(moment);
        took(order.id, kept, order.cost);
      });
      return;
    case 'end':
      guarded(order.id, () => {
        const kept = open.get(order.id);
        if (kept === undefined) return;
        kept.end();
        took(order.id, kept, 0);
        open.delete(order.id);
        say({ op: 'ended', id: order.id, messages: kept.messages, failure: null });
      });
      return;
    case 'recover':
      say({ op: 'recovered', id: order.id, ...recoverRecordings(order.dir, open) });
      return;
    case 'erase':
      say({ op: 'erased', id: order.id, ...eraseRecordings(order.dir, order.what, open) });
      return;
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

port?.on('message', carryOut);
setInterval(() => {
  const now = performance.now();
  for (const [id, kept] of open) {
    guarded(id, () => {
      if (now - kept.flushedMs >= FLUSH_MS) kept.flush();
      took(id, kept, 0);
    });
  }
}, LOOK_EVERY_MS).unref();
