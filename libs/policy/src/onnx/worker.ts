import { parentPort, workerData } from 'node:worker_threads';
import { BundleError } from '../bundle/bundle-error.js';
import { BatchLayout } from './batch-layout.js';
import { BatchRunner } from './batch-runner.js';
import { Graph } from './graph.js';
import { GraphGate } from './graph-gate.js';
import type { ToWorker, WorkerMessage, WorkerSetup } from './messages.js';
import { threadCpuClock } from './thread-cpu.js';
import { yieldToRobots } from './thread-priority.js';

// The thread's entry: load, warm up, say ready, then one batch after the other until it is told to close.

const port = parentPort;
if (port === null) throw new Error('the policy worker runs as a worker thread only');
const setup = workerData as WorkerSetup;
const post = (message: WorkerMessage, transfer: ArrayBuffer[] = []) => port.postMessage(message, transfer);
const gate = new GraphGate(setup.gate);
const cpu = threadCpuClock();
yieldToRobots();
let runner: BatchRunner | null = null;

port.on('message', (message: ToWorker) => {
  if (message.kind === 'batch') runner?.accept(message);
  else {
    runner?.close();
    port.close();
  }
});

if (gate.enter()) {
  try {
    const layout = new BatchLayout(setup.manifest, setup.maxBatch);
    const graph = await Graph.load(setup, layout);
    const warmUp = await graph.warmUp();
    runner = new BatchRunner({ manifest: setup.manifest, layout, graph, gate, cpu, post });
    post({ kind: 'ready', provider: graph.provider, warnings: [...graph.warnings], warmUp, cpuMs: cpu() });
  } catch (error) {
    if (!(error instanceof BundleError)) throw error;
    post({ kind: 'refused', field: error.field, reason: error.reason });
  } finally {
    gate.leave();
  }
}
