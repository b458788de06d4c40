import type { Constant, Graph, Node } from './onnx-model.js';

/** What the graph takes: the same as `tabletop-v1`, so that the same frames serve both. */
export const WIDE = {
  image: { name: 'image', height: 96, width: 96 },
  state: { name: 'state', dim: 7 },
  tokens: { name: 'tokens', length: 16 },
  actions: { name: 'actions', chunk: 8, dim: 7 },
} as const;

/** Every eighth pixel of every eighth row. */
const STRIDE = 8;
/** A tick's motion is at most this, m and rad: slow enough that no governor has anything to say about it. */
const LARGEST_MOTION = 0.000_5;
const [CHUNK, DIM] = [WIDE.actions.chunk, WIDE.actions.dim];

export interface WideSize {
  readonly width: number;
  readonly layers: number;
}

/** 6 × 2,560² and a first layer: 40.6 million parameters, 162 MB, larger than the caches they would have to stay in. */
export const FULL_SIZE: WideSize = { width: 2_560, layers: 6 };

/**
 * A perceptron of nothing but large matrices. For one input each weight is read once and used once, so the memory's
 * bandwidth sets the pace, and a batch reads the weights no more often than one input does: what batching gains on a GPU, on a
 * CPU. It has learned nothing.
 */
export function wideGraph({ width, layers }: WideSize, seed: number): Graph {
  const random = uniform(seed);
  const { image, state, tokens, actions } = WIDE;
  const pixels = (image.height / STRIDE) * (image.width / STRIDE) * 3;
  const constants: Constant[] = [
    whole('from', [0, 0]),
    whole('to', [image.height, image.width]),
    whole('axes', [1, 2]),
    whole('steps', [STRIDE, STRIDE]),
    whole('flat', [0, pixels]),
    whole('chunk', [0, CHUNK, DIM]),
    real('pixel_scale', [1], [1 / 255]),
    real('token_scale', [1], [1 / 32]),
    // The gripper's entry goes from 0 to 1, the others either way of zero.
    real('scale', [CHUNK * DIM], perValue(LARGEST_MOTION, 0.5)),
    real('offset', [CHUNK * DIM], perValue(0, 0.5)),
  ];
  const nodes: Node[] = [
    { op: 'Slice', inputs: [image.name, 'from', 'to', 'axes', 'steps'], output: 'sampled' },
    { op: 'Cast', inputs: ['sampled'], output: 'sampled_float', attributes: { to: 1 } },
    { op: 'Reshape', inputs: ['sampled_float', 'flat'], output: 'pixels' },
    { op: 'Mul', inputs: ['pixels', 'pixel_scale'], output: 'seen' },
    { op: 'Cast', inputs: [tokens.name], output: 'tokens_float', attributes: { to: 1 } },
    { op: 'Mul', inputs: ['tokens_float', 'token_scale'], output: 'read' },
    { op: 'Concat', inputs: ['seen', state.name, 'read'], output: 'hidden_0', attributes: { axis: 1 } },
  ];
  let size = pixels + state.dim + tokens.length;
  for (let layer = 1; layer <= layers + 1; layer++) {
    // Uniform within ±√(6/inputs) keeps the variance from one rectified layer to the next (He et al. 2015).
    constants.push(weights(`weights_${layer}`, size, width, Math.sqrt(6 / size), random));
    nodes.push({ op: 'MatMul', inputs: [`hidden_${layer - 1}`, `weights_${layer}`], output: `sum_${layer}` });
    nodes.push({ op: 'Relu', inputs: [`sum_${layer}`], output: `hidden_${layer}` });
    size = width;
  }
  constants.push(weights('weights_out', size, CHUNK * DIM, Math.sqrt(3 / size), random));
  nodes.push(
    { op: 'MatMul', inputs: [`hidden_${layers + 1}`, 'weights_out'], output: 'sum_out' },
    { op: 'Tanh', inputs: ['sum_out'], output: 'bounded' },
    { op: 'Mul', inputs: ['bounded', 'scale'], output: 'scaled' },
    { op: 'Add', inputs: ['scaled', 'offset'], output: 'moved' },
    { op: 'Reshape', inputs: ['moved', 'chunk'], output: actions.name },
  );
  return {
    name: 'wide',
    inputs: [
      { name: image.name, element: 'uint8', shape: ['batch', image.height, image.width, 3] },
      { name: state.name, element: 'float32', shape: ['batch', state.dim] },
      { name: tokens.name, element: 'int32', shape: ['batch', tokens.length] },
    ],
    outputs: [{ name: actions.name, element: 'float32', shape: ['batch', CHUNK, DIM] }],
    constants,
    nodes,
  };
}

export function parameters({ constants }: Graph): number {
  return constants.reduce((sum, { name, data }) => sum + (name.startsWith('weights') ? data.length : 0), 0);
}

const perValue = (motion: number, gripper: number): number[] =>
  Array.from({ length: CHUNK * DIM }, (_, i) => (i % DIM === DIM - 1 ? gripper : motion));

const whole = (name: string, values: readonly number[]): Constant => ({
  name,
  shape: [values.length],
  data: BigInt64Array.from(values, BigInt),
});

const real = (name: string, shape: readonly number[], values: readonly number[]): Constant => ({
  name,
  shape,
  data: Float32Array.from(values),
});

function weights(name: string, rows: number, columns: number, bound: number, random: () => number): Constant {
  const data = new Float32Array(rows * columns);
  for (let i = 0; i < data.length; i++) data[i] = (2 * random() - 1) * bound;
  return { name, shape: [rows, columns], data };
}

/** Mulberry32: the same numbers in [0, 1) on every machine. */
function uniform(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
