import { expect, test } from 'vitest';
import { Manifest } from '../bundle/manifest.js';
import { nullBundle } from '../bundle/null-bundle.js';
import { compareGraph, type GraphValue } from './compare-graph.js';

const { manifest } = nullBundle();
const value = (name: string, type: string, shape: (number | string)[]): GraphValue => ({
  name,
  isTensor: true,
  type,
  shape,
});
const inputs = [
  value('image', 'uint8', ['batch', 96, 96, 3]),
  value('state', 'float32', ['batch', 7]),
  value('tokens', 'int32', ['batch', 16]),
];
const outputs = [value('actions', 'float32', ['batch', 8, 7])];
const withInput = (name: string, changed: GraphValue) => inputs.map((v) => (v.name === name ? changed : v));

test('[P3] a graph with the manifest’s names, types and shapes is taken, whatever else it gives', () => {
  expect(compareGraph(manifest, inputs, outputs)).toBeNull();
  expect(compareGraph(manifest, inputs, [value('aux', 'float32', ['batch', 3]), ...outputs])).toBeNull();
  expect(compareGraph(manifest, withInput('state', value('state', 'float32', ['b', 'n'])), outputs)).toBeNull();
});

test.each<[string, readonly GraphValue[], readonly GraphValue[]]>([
  ['inputs.cameras.0.tensor', withInput('image', value('pixels', 'uint8', ['b', 96, 96, 3])), outputs],
  ['inputs.cameras.0.dtype', withInput('image', value('image', 'float32', ['b', 96, 96, 3])), outputs],
  ['inputs.cameras.0.height', withInput('image', value('image', 'uint8', ['b', 48, 96, 3])), outputs],
  ['inputs.cameras.0.width', withInput('image', value('image', 'uint8', ['b', 96, 48, 3])), outputs],
  ['inputs.cameras.0.layout', withInput('image', value('image', 'uint8', ['b', 96, 96, 4])), outputs],
  ['inputs.cameras.0.tensor', withInput('image', value('image', 'uint8', ['b', 96 * 96 * 3])), outputs],
  ['inputs.cameras.0.tensor', withInput('image', { name: 'image', isTensor: false }), outputs],
  ['inputs.state.dim', withInput('state', value('state', 'float32', ['b', 8])), outputs],
  ['inputs.text.length', withInput('tokens', value('tokens', 'int32', ['b', 32])), outputs],
  ['inputs.text.dtype', withInput('tokens', value('tokens', 'int64', ['b', 16])), outputs],
  ['inputs', [...inputs, value('prefix', 'float32', ['b', 8, 7])], outputs],
  ['chunk_size', inputs, [value('actions', 'float32', ['b', 16, 7])]],
  ['action_dim', inputs, [value('actions', 'float32', ['b', 8, 8])]],
  ['output.dtype', inputs, [value('actions', 'float16', ['b', 8, 7])]],
  ['output.tensor', inputs, []],
  ['batch.max', withInput('state', value('state', 'float32', [4, 7])), outputs],
  ['batch.max', withInput('state', value('state', 'float32', [1, 7])), outputs],
])('[P3] a difference is named by the manifest’s field: %s (%#)', (field, ins, outs) => {
  expect(compareGraph(manifest, ins, outs)).toMatchObject({ field });
});

test('[P3] a prefix needs both of its tensors, in the shape of the output', () => {
  const prefix = { actions: 'prefix_actions', weights: 'prefix_weights' };
  const taking = Manifest.parse({ ...manifest, inputs: { ...manifest.inputs, prefix } });
  const actions = value('prefix_actions', 'float32', ['b', 8, 7]);
  const weights = value('prefix_weights', 'float32', ['b', 8]);
  const fault = (...more: GraphValue[]) => compareGraph(taking, [...inputs, ...more], outputs)?.field;
  expect(fault(actions, weights)).toBeUndefined();
  expect(fault(weights)).toBe('inputs.prefix.actions');
  expect(fault(actions)).toBe('inputs.prefix.weights');
  expect(fault(actions, value('prefix_weights', 'int32', ['b', 8]))).toBe('inputs.prefix.dtype');
  expect(fault(value('prefix_actions', 'float32', ['b', 4, 7]), weights)).toBe('chunk_size');
});

test('[P3] a graph with a batch of one built in is served with batch.max 1', () => {
  const one = Manifest.parse({ ...manifest, batch: { max: 1 } });
  const fixed = (values: readonly GraphValue[]) =>
    values.map((v) => ({ ...v, shape: [1, ...(v.shape ?? []).slice(1)] }));
  expect(compareGraph(one, fixed(inputs), fixed(outputs))).toBeNull();
});
