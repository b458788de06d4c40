import { InferenceSession, Tensor } from 'onnxruntime-node';
import { FRAME_SIZE } from '../camera/projection.js';
import { FRAME_BYTES } from '../camera/render.js';
import { CHUNK, CHUNK_VALUES } from './way-points.js';
import { TOKENS, type Words } from './words.js';

export interface PolicyQuery {
  /** RGB [96 × 96 × 3]. */
  readonly frame: Uint8Array;
  /** [7] */
  readonly state: ArrayLike<number>;
  readonly instruction: string;
  /** The actions that will have been executed before the chunk can begin, [d × 7], for a graph with prefix inputs. */
  readonly prefix?: readonly Float64Array[];
}

/** The bundle's graph in this process, without a server: for training's learner and for evaluation. */
export class Policy {
  readonly #session: InferenceSession;
  readonly #words: Words;

  private constructor(session: InferenceSession, words: Words) {
    this.#session = session;
    this.#words = words;
  }

  static async load(graph: string, words: Words): Promise<Policy> {
    const session = await InferenceSession.create(graph, {
      intraOpNumThreads: 1,
      interOpNumThreads: 1,
      executionMode: 'sequential',
    });
    return new Policy(session, words);
  }

  get takesPrefix(): boolean {
    return this.#session.inputNames.includes('prefix_actions');
  }

  /** One chunk a query, [n × 8 × 7], batches of up to 32. */
  async run(queries: readonly PolicyQuery[]): Promise<Float32Array> {
    const chunks = new Float32Array(queries.length * CHUNK_VALUES);
    for (let from = 0; from < queries.length; from += 32) {
      chunks.set(await this.#batch(queries.slice(from, from + 32)), from * CHUNK_VALUES);
    }
    return chunks;
  }

  async #batch(queries: readonly PolicyQuery[]): Promise<Float32Array> {
    const n = queries.length;
    const image = new Uint8Array(n * FRAME_BYTES);
    const state = new Float32Array(n * 7);
    const tokens = new Int32Array(n * TOKENS);
    for (const [i, query] of queries.entries()) {
      image.set(query.frame, i * FRAME_BYTES);
      state.set(query.state, i * 7);
      tokens.set(this.#words.encode(query.instruction, TOKENS), i * TOKENS);
    }
    const { actions } = await this.#session.run({
      ...(this.takesPrefix ? prefixTensors(queries) : {}),
      image: new Tensor('uint8', image, [n, FRAME_SIZE, FRAME_SIZE, 3]),
      state: new Tensor('float32', state, [n, 7]),
      tokens: new Tensor('int32', tokens, [n, TOKENS]),
    });
    if (!(actions?.data instanceof Float32Array)) throw new TypeError('the graph has no float32 output "actions"');
    return actions.data;
  }

  async close(): Promise<void> {
    await this.#session.release();
  }
}

function prefixTensors(queries: readonly PolicyQuery[]): Record<string, Tensor> {
  const n = queries.length;
  const actions = new Float32Array(n * CHUNK_VALUES);
  const weights = new Float32Array(n * CHUNK);
  for (const [i, { prefix = [] }] of queries.entries()) {
    for (const [k, action] of prefix.entries()) actions.set(action, i * CHUNK_VALUES + k * 7);
    weights.fill(1, i * CHUNK, i * CHUNK + prefix.length);
  }
  return {
    prefix_actions: new Tensor('float32', actions, [n, CHUNK, 7]),
    prefix_weights: new Tensor('float32', weights, [n, CHUNK]),
  };
}
