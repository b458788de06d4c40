import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readMcap } from '@sinew/recording/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ErasureWorld } from '../testing/erasure-world.js';
import { StreamClient } from '../testing/stream-client.js';
import { OPEN, observation } from '../testing/test-gateway.js';

let world: ErasureWorld;
beforeAll(async () => {
  world = await ErasureWorld.create();
  await world.on((pool) =>
    pool.query('UPDATE vlaapi.customers SET record_sessions = true WHERE customer_id = $1', [world.mine.customer_id]),
  );
  await world.startGateway();
}, 60_000);
afterAll(() => world.close());

const recordings = (): string[] => {
  const dir = join(world.dataDir, 'recordings', world.mine.customer_id);
  return existsSync(dir) ? readdirSync(dir).map((name) => join(dir, name)) : [];
};

/** A robot that was sent so many actions, and goes on. */
async function robot(actions: number): Promise<StreamClient> {
  const client = await StreamClient.connect(world.port, world.mine.key);
  client.send({ ...OPEN, control_hz: 50 });
  await client.next('opened');
  let seq = 0;
  for (let n = 0; n < actions; n++) await client.nextWhile(() => observation(seq++), 'action');
  return client;
}

test('a killed gateway leaves recordings that the next one makes whole; an erasure removes them and says so', async () => {
  const client = await robot(150);
  const sent = client.received.filter(({ type }) => type === 'action' || type === 'hold').length;
  await world.stopGateway('SIGKILL');
  expect(recordings()).toEqual([expect.stringMatching(/\.mcap\.part$/)]);
  await world.startGateway();
  await expect.poll(recordings, { timeout: 10_000 }).toEqual([expect.stringMatching(/\.mcap$/)]);
  const recording = await readMcap(readFileSync(recordings()[0] ?? ''));
  // At most the last second, and what was on its way to the thread that writes.
  expect(recording.count('/action/sent')).toBeGreaterThan(sent - 100);
  expect(recording.metadata.get('sinew.session')?.get('images')).toBe('none');

  const next = await robot(5);
  await expect.poll(() => recordings().length).toBe(2);
  await world.startShipper();
  const path = `/admin/customers/${world.mine.customer_id}/data`;
  const { body } = await world.call('DELETE', path, world.mine);
  const report = await world.complete(world.mine, String(body.erasure_id));
  expect(report.journals[0]?.removed).toMatchObject({ recordings: 2 });
  expect(recordings()).toEqual([]);
  next.terminate();
}, 90_000);
