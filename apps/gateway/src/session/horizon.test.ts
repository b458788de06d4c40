import type { SessionRecord } from '@sinew/journal';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { scriptedModels } from '../testing/scripted-models.js';
import { observation, startTestGateway, type TestGateway } from '../testing/test-gateway.js';

// By its warm-up this model does 11 inferences a second; a session at 40 Hz that executes 4 of 8 asks for 10.
const models = () => scriptedModels({ inferMs: 90, maxBatch: 1, admission: 10 });
let adaptive: TestGateway;
let fixed: TestGateway;
beforeAll(async () => {
  adaptive = await startTestGateway({ models: await models(), settings: { horizon: 'adaptive' } });
  fixed = await startTestGateway({ models: await models() });
});
afterAll(async () => {
  await adaptive.stop();
  await fixed.stop();
});

/** The horizons of two robots that have been driven for a while, in the order in which they came. */
async function horizonsOf(server: TestGateway, first: Parameters<TestGateway['robot']>[0]): Promise<number[]> {
  const clients = [await server.robot({ control_hz: 40, ...first }), await server.robot({ control_hz: 40 })];
  const sessions = [...server.gateway.sessions];
  for (let seq = 0; seq < 30; seq++) {
    for (const client of clients) client.send(observation(seq));
    await Promise.all(clients.map((client) => new Promise((resolve) => client.socket.once('message', resolve))));
  }
  const horizons = sessions.map(({ horizon }) => horizon);
  for (const client of clients) client.terminate();
  for (const session of sessions) session.close('client', null);
  return horizons;
}

test('[L2] under load horizons grow to what their chunks allow, one that the client asked for is kept', async () => {
  // 8, less the ticks that an inference takes, less one.
  const grown = expect.toSatisfy((s: number) => s > 4 && s <= 7);
  expect(await horizonsOf(adaptive, {})).toEqual([grown, grown]);
  expect(await horizonsOf(adaptive, { execute: 4 })).toEqual([4, grown]);
  expect(await horizonsOf(fixed, {})).toEqual([4, 4]);
});

test('[L2] the setting is journaled where it changes what a loop does, so that a replay does the same', async () => {
  const opened = async (server: TestGateway, execute: boolean) => {
    const client = await server.robot(execute ? { execute: 2 } : {});
    client.terminate();
    const records = await server.journaled();
    const sessions = records.filter((r): r is SessionRecord => r.kind === 'session' && r.event === 'open');
    const control = sessions.at(-1)?.control as { holdsAgeNothing?: boolean } | undefined;
    return control?.holdsAgeNothing;
  };
  expect(await opened(adaptive, false)).toBe(true);
  expect(await opened(adaptive, true)).toBeUndefined();
  expect(await opened(fixed, false)).toBeUndefined();
});
