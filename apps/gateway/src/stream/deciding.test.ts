import { createMemoryState, type SharedState } from '@sinew/cache';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { StreamClient } from '../testing/stream-client.js';
import { OPEN, startTestGateway, type TestGateway } from '../testing/test-gateway.js';

/** An `open` whose places are asked for elsewhere, and answered when the test says so. */
let server: TestGateway;
let asked: Promise<void>;
let answer: (granted: boolean) => void;
beforeEach(async () => {
  const state = createMemoryState(() => performance.now());
  let wasAsked: () => void = () => {};
  asked = new Promise((resolve) => {
    wasAsked = resolve;
  });
  const granted = new Promise<boolean>((resolve) => {
    answer = resolve;
  });
  const shared: SharedState = {
    ...state,
    leases: {
      acquire: async () => {
        wasAsked();
        return { granted: await granted, held: 1, again: false };
      },
      renew: (...args) => state.leases.renew(...args),
      release: (...args) => state.leases.release(...args),
    },
  };
  server = await startTestGateway({ shared });
});
afterEach(() => server.stop());

async function deciding(): Promise<StreamClient> {
  const client = await server.connect();
  client.send({ ...OPEN, robot_id: 'arm-1' });
  await asked;
  return client;
}

/** Once it is answered, what was sent before has been received. */
const received = (client: StreamClient): Promise<void> =>
  new Promise((resolve) => {
    client.socket.once('pong', () => resolve());
    client.socket.ping();
  });

const recorded = async (): Promise<boolean> =>
  (await server.journaled()).some((record) => record.kind === 'event' && record.event === 'estop');

const estopped = async (): Promise<boolean> => {
  const again = await server.connect();
  again.send({ ...OPEN, robot_id: 'arm-1' });
  const opened = await again.next('opened');
  return opened.estopped;
};

test('[S11] an e-stop that comes while an `open` is decided is latched, behind however many frames', async () => {
  const client = await deciding();
  for (let i = 0; i < 200; i++) client.send({ type: 'ping', sent_at_ms: i });
  client.send({ type: 'estop' });
  for (let i = 0; i < 200; i++) client.send({ type: 'ping', sent_at_ms: i });
  await received(client);
  answer(true);
  await client.next('opened');
  await client.next('pong');
  client.send({ type: 'close' });
  await client.closed();
  expect(await estopped()).toBe(true);
});

test('[S11] an e-stop stands where the client was gone before its `open` was decided', async () => {
  const client = await deciding();
  client.send({ type: 'estop' });
  await received(client);
  client.socket.close();
  await client.closed();
  answer(true);
  expect(await estopped()).toBe(true);
});

test('[S11] an e-stop stands where its `open` was refused', async () => {
  const client = await deciding();
  client.send({ type: 'estop' });
  await received(client);
  answer(false);
  await client.next('error');
  await client.closed();
  expect(await recorded()).toBe(true);
});

test('[S11] nothing is latched for an `open` that came without an e-stop', async () => {
  const client = await deciding();
  client.send({ type: 'ping', sent_at_ms: 1 });
  await received(client);
  answer(false);
  await client.closed();
  expect(await recorded()).toBe(false);
});
