import { expect, test } from 'vitest';
import { nullBundle } from '../bundle/null-bundle.js';
import { backendContract } from '../testing/backend-contract.js';
import { inputFor } from '../testing/inputs.js';
import { createNullBackend } from './null-backend.js';

backendContract('null', async () => {
  const bundle = nullBundle();
  return { bundle, backend: createNullBackend({ bundle }) };
});

test('the null policy describes a 7-DoF ee_delta arm with one camera', () => {
  expect(nullBundle().describe()).toMatchObject({
    id: 'null',
    action_space: 'ee_delta',
    action_dim: 7,
    inputs: { cameras: [{ name: 'main', width: 96, height: 96 }], state: { dim: 7 } },
  });
});

test('the null policy asks for no motion and an open gripper', async () => {
  const bundle = nullBundle();
  const backend = createNullBackend({ bundle });
  const [output] = (await backend.run(0, [inputFor(bundle.manifest)], 1_000)).outputs;
  if (!output?.ok) throw new Error('refused');
  for (let row = 0; row < 8; row++)
    expect([...output.actions.subarray(row * 7, row * 7 + 7)]).toEqual([0, 0, 0, 0, 0, 0, 1]);
});
