import { Worker } from 'node:worker_threads';
import type { Bundle } from '../bundle/bundle.js';
import { GraphGate } from './graph-gate.js';
import type { WorkerSetup } from './messages.js';

export interface BareGraphSetup extends WorkerSetup {
  readonly ms: number;
}

export interface BareGraphRate {
  readonly inferences: number;
  readonly wallMs: number;
  /** Of the inference threads; null where the platform does not tell. */
  readonly cpuMs: number | null;
}

/**
 * How fast the graph is with nothing around it: `threads` threads that fill a batch with `rgb8` frames and run it, over and
 * over, for `ms`. What a server can be measured against; wall time is the mean of the threads'.
 */
export async function measureBareGraph(options: {
  bundle: Bundle;
  threads: number;
  batch: number;
  ms: number;
}): Promise<BareGraphRate> {
  const { bundle, threads, batch, ms } = options;
  const { manifest, graphPath } = bundle;
  const setup = { manifest, graphPath, provider: 'cpu', intraOp: 1, maxBatch: batch, ms };
  const rates = await Promise.all(
    Array.from({ length: threads }, () => {
      const workerData: BareGraphSetup = { ...setup, gate: new GraphGate().cell };
      const worker = new Worker(new URL('./bare-graph-worker.js', import.meta.url), { workerData, name: 'bare graph' });
      return new Promise<BareGraphRate>((resolve, reject) => {
        worker.once('message', resolve);
        worker.once('error', reject);
      });
    }),
  );
  const sum = (pick: (rate: BareGraphRate) => number) => rates.reduce((total, rate) => total + pick(rate), 0);
  return {
    inferences: sum((rate) => rate.inferences),
    wallMs: sum((rate) => rate.wallMs) / threads,
    cpuMs: rates.some((rate) => rate.cpuMs === null) ? null : sum((rate) => rate.cpuMs ?? 0),
  };
}
