import { randomBytes } from 'node:crypto';
import { connect as connectTcp } from 'node:net';
import { createLogger, createMetrics } from '@sinew/telemetry';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { monotonicClock } from './clock.js';
import { ModelCatalogue } from './models.js';
import type { StreamClient } from './testing/stream-client.js';
import { KEY, OPEN, observation, startTestGateway, type TestGateway } from './testing/test-gateway.js';

// Everything a hostile or broken client may send to a gateway with the real policy, while a well-behaved robot streams on.

let server: TestGateway;
let honest: StreamClient;
let jpeg: Buffer;
let feed: NodeJS.Timeout;

beforeAll(async () => {
  const models = await ModelCatalogue.load(
    {
      policies: ['tabletop-v1'],
      policy_threads: 1,
      policy_intra_op: 1,
      batch_max: 0,
      batch_window_ms: 0,
      admission: 0.85,
    },
    monotonicClock,
    createMetrics(),
    createLogger('gateway', 'silent'),
  );
  server = await startTestGateway({ models, settings: { open_timeout_ms: 2_000, max_sessions: 100 } });
  jpeg = await sharp(randomBytes(96 * 96 * 3), { raw: { width: 96, height: 96, channels: 3 } })
    .jpeg()
    .toBuffer();
  honest = await server.robot({ robot_id: 'honest' });
  let seq = 0;
  feed = setInterval(() => honest.send(observation(seq++, { images: { main: { kind: 'encoded', data: jpeg } } })), 100);
  await honest.next('action');
});
afterAll(async () => {
  clearInterval(feed);
  await server.stop();
});

/** The honest robot still gets actions, from observations made after the attack. (Clients and gateway share this process: how late is bench's question.) */
async function honestGoesOn(): Promise<void> {
  const before = honest.received.filter((message) => message.type === 'action').at(-1)?.observation_seq ?? 0;
  await honest.next('action', (action) => action.observation_seq > before + 2);
  expect(honest.received.some((message) => message.type === 'error')).toBe(false);
}

const encoded = (data: Uint8Array) => ({ images: { main: { kind: 'encoded' as const, data } } });

test('[W5] bad pictures are refused by name, each for its own session only', async () => {
  // A picture that says it has 81 million pixels: only its header may be looked at.
  const bomb = Buffer.from(jpeg);
  const frameHeader = bomb.indexOf(Buffer.from([0xff, 0xc0]));
  bomb.writeUInt16BE(9_000, frameHeader + 5);
  bomb.writeUInt16BE(9_000, frameHeader + 7);
  const tiny = Buffer.concat([
    await sharp({ create: { width: 1, height: 1, channels: 3, background: '#fff' } })
      .png()
      .toBuffer(),
    randomBytes(2_000),
  ]);
  const grey = await sharp(randomBytes(96 * 96), { raw: { width: 96, height: 96, channels: 1 } })
    .toColourspace('b-w')
    .jpeg()
    .toBuffer();
  const cases: [string, Uint8Array][] = [
    ['a JPEG bomb', bomb],
    ['one pixel', tiny],
    ['a truncated JPEG', jpeg.subarray(0, jpeg.length >> 1)],
    ['noise', randomBytes(4_000)],
    ['a header without a picture', Buffer.concat([jpeg.subarray(0, 700), randomBytes(2_000)])],
    ['one channel', grey],
    ['nothing', new Uint8Array(0)],
  ];
  for (const [name, data] of cases) {
    const client = await server.robot();
    client.send(observation(0, encoded(data)));
    const error = await client.next('error').catch((cause: unknown) => {
      throw new Error(`${name} was not refused`, { cause });
    });
    expect(error, name).toMatchObject({
      code: 'validation_failed',
      field: 'images.main',
      observation_seq: 0,
      fatal: false,
    });
    client.send(observation(1, encoded(jpeg)));
    await client.next('action');
    client.terminate();
  }
  await honestGoesOn();
});

test('[W5] numbers that are none and clocks that are wrong are refused by name', async () => {
  const client = await server.robot();
  client.send(observation(0, { state: new Float64Array(7).fill(Number.POSITIVE_INFINITY) }));
  expect(await client.next('error')).toMatchObject({ code: 'validation_failed', field: 'state' });
  client.send(observation(1, { state: new Float64Array(6) }));
  expect(await client.next('error')).toMatchObject({ code: 'validation_failed', field: 'state' });
  client.send(observation(2, { captured_at_ms: Number.NaN }));
  expect(await client.next('error')).toMatchObject({ code: 'validation_failed', field: 'captured_at_ms' });
  // With a measured round trip a capture in the future is known to be one (W7).
  client.send({ type: 'ping', sent_at_ms: performance.now() });
  const pong = await client.next('pong');
  const received_at_ms = performance.now();
  client.send({
    type: 'ping',
    sent_at_ms: performance.now(),
    echo: { server_time_ms: pong.server_time_ms, received_at_ms },
  });
  await client.next('pong');
  client.send(observation(3, { captured_at_ms: performance.now() + 60_000 }));
  expect(await client.next('error')).toMatchObject({ code: 'validation_failed', field: 'captured_at_ms' });
  client.terminate();
  await honestGoesOn();
});

test('[W3] floods of garbage frames end their own connections only', async () => {
  const attackers = await Promise.all(Array.from({ length: 30 }, () => server.connect()));
  for (const attacker of attackers) attacker.sendRaw(randomBytes(1 + Math.floor(Math.random() * 60_000)));
  const codes = await Promise.all(attackers.map(async (attacker) => (await attacker.closed()).code));
  expect(codes.every((code) => code === 4400)).toBe(true);
  const huge = await server.robot();
  huge.socket.on('error', () => {});
  huge.sendRaw(new Uint8Array(100_000_000));
  expect([1006, 1009]).toContain((await huge.closed()).code);
  await honestGoesOn();
});

test('[W3] a thousand sockets that never open are all ended, and the robot beside them goes on', async () => {
  const silent = await Promise.all(Array.from({ length: 1_000 }, () => server.connect()));
  await honestGoesOn();
  const codes = await Promise.all(silent.map(async (socket) => (await socket.closed()).code));
  expect(codes.every((code) => code === 4408)).toBe(true);
  await honestGoesOn();
});

test('[S8] a client that never reads does not hold up the others', async () => {
  const raw = connectTcp(server.gateway.port, '127.0.0.1');
  raw.pause();
  raw.write(
    `GET /v1/stream HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\nAuthorization: Bearer ${KEY}\r\n\r\n`,
  );
  raw.on('error', () => {});
  const reader = await server.robot();
  reader.socket.pause();
  for (let seq = 0; seq < 20; seq++) reader.send(observation(seq, encoded(jpeg)));
  await honestGoesOn();
  raw.destroy();
  reader.terminate();
});

test('[W2] half-finished and unauthorised upgrades cost nothing', async () => {
  const sockets = Array.from({ length: 200 }, () => {
    const socket = connectTcp(server.gateway.port, '127.0.0.1');
    socket.on('error', () => {});
    socket.write('GET /v1/stream HTTP/1.1\r\nHost: x\r\nUpgrade: webso');
    return socket;
  });
  const refused = await Promise.allSettled(
    Array.from({ length: 100 }, () => server.connect(`${KEY}${'x'.repeat(10)}`)),
  );
  expect(refused.every((result) => result.status === 'rejected')).toBe(true);
  await honestGoesOn();
  for (const socket of sockets) socket.destroy();
  const again = await server.connect();
  again.send(OPEN);
  await again.next('opened');
  again.terminate();
});
