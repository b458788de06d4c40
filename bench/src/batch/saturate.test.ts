import { setImmediate as turn } from 'node:timers/promises';
import { createNullBackend, nullBundle, Scheduler } from '@sinew/policy';
import { expect, test } from 'vitest';
import { saturate } from './saturate.js';

test('every session asks again when it is answered, and nothing is left behind', async () => {
  const bundle = nullBundle();
  const backend = createNullBackend({ bundle });
  await backend.start();
  // A worker answers in a later turn of the loop; an answer within the turn would never let this loop end.
  const run = backend.run.bind(backend);
  backend.run = async (...batch) => {
    await turn();
    return await run(...batch);
  };
  const scheduler = new Scheduler({ backend, now: () => performance.now() });
  const image = { kind: 'rgb8', data: new Uint8Array(96 * 96 * 3), width: 96, height: 96 } as const;
  const input = { images: { main: image }, state: new Float64Array(7), instruction: 'x' };
  const rate = await saturate(scheduler, backend, input, 200, 50);
  expect(rate.inferences).toBeGreaterThan(200);
  expect(rate.cpuMs).toBe(0);
  expect(scheduler.stats()).toMatchObject({ depth: 0, batchesInFlight: 0, requesters: 0 });
  await expect(saturate(scheduler, backend, { ...input, state: new Float64Array(1) }, 2, 10)).rejects.toThrow(
    'refused',
  );
  scheduler.close();
  await backend.close();
});
