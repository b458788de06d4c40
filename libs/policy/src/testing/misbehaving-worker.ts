import { parentPort, workerData } from 'node:worker_threads';
import { BatchLayout } from '../onnx/batch-layout.js';
import { BatchRunner } from '../onnx/batch-runner.js';
import { GraphGate } from '../onnx/graph-gate.js';
import type { ToWorker, WorkerMessage, WorkerSetup } from '../onnx/messages.js';

// A policy thread for tests: the real batch runner over a graph that answers with its state, and breaks on demand.
// The first entry of the state is the demand.

export const DEMAND = { answer: 0, exit: 1, spin: 2, stick: 3, refuse: 4, notFinite: 5 } as const;
/** How long `stick` stays in what stands for native code. */
const STUCK_MS = 1_000;
/** Threads that are started while this variable is set never get ready. */
export const HANGING_LOAD = 'SINEW_TEST_HANGING_LOAD';
/** The BroadcastChannel on which a thread that was stuck says that it ends. */
export const ENDED_CHANNEL = 'misbehaving-worker-ended';

const port = parentPort;
if (port !== null) {
  const setup = workerData as WorkerSetup;
  const { manifest, maxBatch } = setup;
  const post = (message: WorkerMessage, transfer: ArrayBuffer[] = []) => port.postMessage(message, transfer);
  const layout = new BatchLayout(manifest, maxBatch);
  const demands = (slab: ArrayBuffer, rows: number, first = 0): number[] => {
    const { state } = layout.viewsBorrow(slab, first + rows);
    return Array.from({ length: rows }, (_, i) => state[(first + i) * layout.state.row] ?? 0);
  };
  const graph = {
    async run(slab: ArrayBuffer, rows: number, first = 0): Promise<void> {
      const wanted = demands(slab, rows, first);
      if (wanted.includes(DEMAND.stick)) {
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, STUCK_MS);
        process.on('exit', () => new BroadcastChannel(ENDED_CHANNEL).postMessage('ended'));
      }
      if (wanted.includes(DEMAND.refuse)) throw new Error('an index is out of bounds');
      const { state, output } = layout.viewsBorrow(slab, first + rows);
      for (const [i, demand] of wanted.entries()) {
        const value = demand === DEMAND.notFinite ? Number.NaN : (state[(first + i) * layout.state.row + 1] ?? 0);
        output.fill(value, (first + i) * layout.output.row, (first + i + 1) * layout.output.row);
      }
    },
  };
  const gate = new GraphGate(setup.gate);
  const runner = new BatchRunner({ manifest, layout, graph, gate, cpu: () => null, post });
  port.on('message', (message: ToWorker) => {
    if (message.kind === 'close') {
      runner.close();
      port.close();
      return;
    }
    const wanted = demands(message.slab, message.size);
    if (wanted.includes(DEMAND.exit)) process.exit(3);
    while (wanted.includes(DEMAND.spin));
    runner.accept(message);
  });
  if (process.env[HANGING_LOAD] === undefined)
    post({ kind: 'ready', provider: 'test', warnings: [], warmUp: [{ batch: maxBatch, inferMs: 1 }], cpuMs: null });
}
