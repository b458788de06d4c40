import type { ManifestFault } from '../bundle/check-manifest.js';
import type { Manifest } from '../bundle/manifest.js';

/** One input or output as the graph declares it; a string in `shape` is a dimension that may take any size. */
export interface GraphValue {
  readonly name: string;
  readonly isTensor: boolean;
  readonly type?: string;
  readonly shape?: readonly (number | string)[];
}

export interface Expected {
  readonly field: string;
  /** The field that names the tensor, where it is not `<field>.tensor`. */
  readonly nameField?: string;
  readonly tensor: string;
  readonly type: string;
  /** Without the batch. */
  readonly shape: readonly number[];
  /** The manifest's field for each entry of `shape`. */
  readonly shapeFields: readonly string[];
}

/** How the graph (or what `graph` calls it) differs from the manifest in names, types or shapes, by the manifest's field; null when it does not. */
export function compareGraph(
  manifest: Manifest,
  inputs: readonly GraphValue[],
  outputs: readonly GraphValue[],
  graph = 'the graph',
): ManifestFault | null {
  const expected = expectedInputs(manifest);
  const result = expectedOutput(manifest);
  for (const [want, values, side] of [
    ...expected.map((want) => [want, inputs, 'input'] as const),
    [result, outputs, 'output'] as const,
  ]) {
    const value = values.find(({ name }) => name === want.tensor);
    if (value === undefined) {
      const names = values.map(({ name }) => name).join(', ');
      return { field: nameField(want), reason: `${graph} has no ${side} ${want.tensor} (${names})` };
    }
    const fault = compareValue(want, value, graph);
    if (fault !== null) return fault;
    // Many exports have a batch of one built in. Other fixed sizes would need padding, which costs like a full batch.
    const batch = value.shape?.[0];
    if (typeof batch === 'number' && (batch !== 1 || manifest.batch.max !== 1))
      return {
        field: 'batch.max',
        reason: `${graph}'s ${want.tensor} has the fixed batch ${batch}: export it with a dynamic one`,
      };
  }
  const extra = inputs.find(({ name }) => !expected.some(({ tensor }) => tensor === name));
  if (extra !== undefined) return { field: 'inputs', reason: `${graph} also needs ${extra.name}` };
  return null;
}

/** What the manifest says of the graph's inputs and outputs. */
export function expectedTensors(manifest: Manifest): { inputs: readonly Expected[]; outputs: readonly Expected[] } {
  return { inputs: expectedInputs(manifest), outputs: [expectedOutput(manifest)] };
}

function expectedInputs({ inputs, chunk_size, action_dim }: Manifest): Expected[] {
  const { cameras, state, text, prefix } = inputs;
  return [
    ...cameras.map((camera, i): Expected => {
      const field = `inputs.cameras.${i}`;
      const [height, width] = [`${field}.height`, `${field}.width`];
      const nhwc = camera.layout === 'nhwc';
      return {
        field,
        tensor: camera.tensor,
        type: camera.dtype,
        shape: nhwc ? [camera.height, camera.width, 3] : [3, camera.height, camera.width],
        shapeFields: nhwc ? [height, width, `${field}.layout`] : [`${field}.layout`, height, width],
      };
    }),
    {
      field: 'inputs.state',
      tensor: state.tensor,
      type: 'float32',
      shape: [state.dim],
      shapeFields: ['inputs.state.dim'],
    },
    {
      field: 'inputs.text',
      tensor: text.tensor,
      type: text.dtype,
      shape: [text.length],
      shapeFields: ['inputs.text.length'],
    },
    ...(prefix === undefined
      ? []
      : [
          {
            field: 'inputs.prefix',
            nameField: 'inputs.prefix.actions',
            tensor: prefix.actions,
            type: 'float32',
            shape: [chunk_size, action_dim],
            shapeFields: ['chunk_size', 'action_dim'],
          },
          {
            field: 'inputs.prefix',
            nameField: 'inputs.prefix.weights',
            tensor: prefix.weights,
            type: 'float32',
            shape: [chunk_size],
            shapeFields: ['chunk_size'],
          },
        ]),
  ];
}

function expectedOutput({ output, chunk_size, action_dim }: Manifest): Expected {
  return {
    field: 'output',
    tensor: output.tensor,
    type: 'float32',
    shape: [chunk_size, action_dim],
    shapeFields: ['chunk_size', 'action_dim'],
  };
}

const nameField = (want: Expected): string => want.nameField ?? `${want.field}.tensor`;

function compareValue(want: Expected, value: GraphValue, graph: string): ManifestFault | null {
  if (!value.isTensor || value.type === undefined || value.shape === undefined)
    return { field: nameField(want), reason: `${graph}'s ${want.tensor} is not a tensor` };
  if (value.type !== want.type)
    return { field: `${want.field}.dtype`, reason: `is ${want.type}, but ${graph}'s ${want.tensor} is ${value.type}` };
  const shape = value.shape.slice(1);
  const text = `[${value.shape.join(', ')}]`;
  if (shape.length !== want.shape.length)
    return { field: nameField(want), reason: `${graph}'s ${want.tensor} has another rank: ${text}` };
  for (const [i, size] of want.shape.entries()) {
    const dimension = shape[i];
    if (typeof dimension === 'number' && dimension !== size)
      return {
        field: want.shapeFields[i] ?? want.field,
        reason: `is ${size}, but ${graph}'s ${want.tensor} is ${text}`,
      };
  }
  return null;
}
