import type { Smoothing } from '@sinew/protocol';
import { expect, test } from 'vitest';
import { infer } from '../testing/rest.js';
import { moving, scriptedModels } from '../testing/scripted-models.js';
import { startTestGateway } from '../testing/test-gateway.js';

/** The chunk over REST of a policy that shakes, served with this smoothing in its manifest. */
async function chunkOf(control_hz: number, smoothing: Smoothing | undefined): Promise<number[][]> {
  const models = await scriptedModels({ run: moving(0.001, true), manifest: { control_hz, smoothing } });
  const server = await startTestGateway({ models });
  try {
    const response = await infer(server);
    expect(response.status).toBe(200);
    return ((await response.json()) as { chunk: number[][] }).chunk;
  } finally {
    await server.stop();
  }
}

test('[K10] a request is smoothed as the policy asks', async () => {
  expect(await chunkOf(10, 'ema')).not.toEqual(await chunkOf(10, 'none'));
});

test('[K10] where the policy does not ask, a request is smoothed from 30 Hz up, as a session is', async () => {
  const unsaid = await chunkOf(30, undefined);
  expect(unsaid).toEqual(await chunkOf(30, 'one_euro'));
  expect(unsaid).not.toEqual(await chunkOf(30, 'none'));
  expect(await chunkOf(10, undefined)).toEqual(await chunkOf(10, 'none'));
});
