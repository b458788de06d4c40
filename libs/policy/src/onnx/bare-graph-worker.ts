import { parentPort, workerData } from 'node:worker_threads';
import type { BareGraphRate, BareGraphSetup } from './bare-graph.js';
import { BatchLayout } from './batch-layout.js';
import { Graph } from './graph.js';
import { threadCpuClock } from './thread-cpu.js';

const setup = workerData as BareGraphSetup;
const layout = new BatchLayout(setup.manifest, setup.maxBatch);
const graph = await Graph.load(setup, layout);
await graph.warmUp();
const slab = new ArrayBuffer(layout.byteLength);
const frame = new Uint8Array(layout.byteLength / setup.maxBatch).fill(100);
const cpu = threadCpuClock();
const [beginMs, beginCpuMs] = [performance.now(), cpu()];
let inferences = 0;
while (performance.now() - beginMs < setup.ms) {
  // What serving an `rgb8` frame cannot do without: the frame into its row.
  for (const tensor of layout.viewsBorrow(slab).cameras) {
    const row = tensor.length / setup.maxBatch;
    for (let i = 0; i < setup.maxBatch; i++) tensor.set(frame.subarray(0, row), i * row);
  }
  await graph.run(slab, setup.maxBatch);
  inferences += setup.maxBatch;
}
const endCpuMs = cpu();
const cpuMs = beginCpuMs === null || endCpuMs === null ? null : endCpuMs - beginCpuMs;
parentPort?.postMessage({ inferences, wallMs: performance.now() - beginMs, cpuMs } satisfies BareGraphRate);
