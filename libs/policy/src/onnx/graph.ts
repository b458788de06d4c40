import { InferenceSession, Tensor } from 'onnxruntime-node';
import type { WarmUp } from '../backend/policy-backend.js';
import { BundleError } from '../bundle/bundle-error.js';
import { warmUpSizes } from '../bundle/manifest.js';
import type { BatchLayout } from './batch-layout.js';
import { compareGraph } from './compare-graph.js';
import type { WorkerSetup } from './messages.js';

/** Of each size, in the warm-up. */
const MEASURED_RUNS = 3;

/** One loaded graph. `run` blocks its thread (the binding's promise is a `setImmediate` around a native call). */
export class Graph {
  readonly provider: string;
  readonly warnings: readonly string[];
  readonly #session: InferenceSession;
  readonly #setup: WorkerSetup;
  readonly #layout: BatchLayout;

  private constructor(
    session: InferenceSession,
    setup: WorkerSetup,
    layout: BatchLayout,
    provider: string,
    warnings: string[],
  ) {
    const { manifest } = setup;
    const fault = compareGraph(manifest, session.inputMetadata, session.outputMetadata);
    if (fault !== null) throw new BundleError(manifest.id, fault.field, fault.reason);
    this.#session = session;
    this.#setup = setup;
    this.#layout = layout;
    this.provider = provider;
    this.warnings = warnings;
  }

  /** Loads with the wished execution provider, or with `cpu` and a warning. Throws a BundleError that names the field. */
  static async load(setup: WorkerSetup, layout: BatchLayout): Promise<Graph> {
    const warnings: string[] = [];
    for (const provider of new Set([setup.provider, 'cpu'])) {
      try {
        const session = await InferenceSession.create(setup.graphPath, sessionOptions(provider, setup.intraOp));
        return new Graph(session, setup, layout, provider, warnings);
      } catch (cause) {
        if (cause instanceof BundleError) throw cause;
        const reason = cause instanceof Error ? cause.message : String(cause);
        if (provider === 'cpu') throw new BundleError(setup.manifest.id, 'graph', reason, cause);
        warnings.push(`execution provider ${provider} is not available, using cpu: ${reason}`);
      }
    }
    throw new BundleError(setup.manifest.id, 'graph', 'no execution provider');
  }

  /** Runs `rows` rows of the slab from row `first` on, and writes their chunks to its output. Throws what the runtime throws. */
  async run(slab: ArrayBuffer, rows: number, first = 0): Promise<void> {
    const { inputs, output, chunk_size, action_dim } = this.#setup.manifest;
    const layout = this.#layout;
    const views = layout.viewsBorrow(slab, first + rows);
    const feeds: Record<string, Tensor> = {};
    inputs.cameras.forEach((camera, i) => {
      const tensor = views.cameras[i]?.subarray(first * (layout.cameras[i]?.row ?? 0));
      const { width, height } = camera;
      const dims = camera.layout === 'nhwc' ? [rows, height, width, 3] : [rows, 3, height, width];
      if (tensor !== undefined) feeds[camera.tensor] = new Tensor(camera.dtype, tensor, dims);
    });
    const state = views.state.subarray(first * layout.state.row);
    const tokens = views.tokens.subarray(first * layout.tokens.row);
    if (inputs.prefix !== undefined && views.prefix !== null && layout.prefix !== null) {
      const actions = views.prefix.actions.subarray(first * layout.prefix.actions.row);
      const weights = views.prefix.weights.subarray(first * layout.prefix.weights.row);
      feeds[inputs.prefix.actions] = new Tensor('float32', actions, [rows, chunk_size, action_dim]);
      feeds[inputs.prefix.weights] = new Tensor('float32', weights, [rows, chunk_size]);
    }
    const chunks = views.output.subarray(first * layout.output.row);
    feeds[inputs.state.tensor] = new Tensor('float32', state, [rows, inputs.state.dim]);
    feeds[inputs.text.tensor] = new Tensor(inputs.text.dtype, tokens, [rows, inputs.text.length]);
    await this.#session.run(feeds, { [output.tensor]: new Tensor('float32', chunks, [rows, chunk_size, action_dim]) });
  }

  /** Runs every batch size twice on an empty slab: the first pays for allocation, the second is the measurement. */
  async warmUp(): Promise<WarmUp[]> {
    const slab = new ArrayBuffer(this.#layout.byteLength);
    const measured: WarmUp[] = [];
    for (const batch of warmUpSizes(this.#setup.manifest.batch, this.#setup.maxBatch)) {
      await this.run(slab, batch);
      // The best of a few: the batch size is chosen by these, and a pause of the machine is no cost of a batch.
      let inferMs = Number.POSITIVE_INFINITY;
      for (let i = 0; i < MEASURED_RUNS; i++) {
        const begin = performance.now();
        await this.run(slab, batch);
        inferMs = Math.min(inferMs, performance.now() - begin);
      }
      measured.push({ batch, inferMs });
    }
    return measured;
  }
}

function sessionOptions(provider: string, intraOp: number): InferenceSession.SessionOptions {
  return {
    executionProviders: [provider],
    intraOpNumThreads: intraOp,
    interOpNumThreads: 1,
    executionMode: 'sequential',
    // Errors come as exceptions; the runtime's own log would go to stderr between the structured lines.
    logSeverityLevel: 4,
    // Spinning threads keep cores busy for a second after each batch. The binding takes strings only.
    extra: { session: { intra_op: { allow_spinning: '0' }, inter_op: { allow_spinning: '0' } } },
  };
}
