import { type IncomingMessage, request } from 'node:http';
import type { Action, Hold } from '@sinew/protocol';
import { readMcap } from '@sinew/recording/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { StreamClient } from '../testing/stream-client.js';
import { KEY, observation, startTestGateway, type TestGateway } from '../testing/test-gateway.js';
import { BACKLOG } from './live-recording.js';

const SIDE = 512;
const PIXELS = new Uint8Array(SIDE * SIDE * 3);

let server: TestGateway;
beforeAll(async () => {
  server = await startTestGateway();
});
afterAll(() => server.stop());

const isTick = (message: { type: string }): message is Action | Hold =>
  message.type === 'action' || message.type === 'hold';

async function leftOut(): Promise<number> {
  const text = await (await fetch(`${server.http}/metrics`)).text();
  return Number(/vla_recording_dropped_total\{what="images"\} (\d+)/.exec(text)?.[1] ?? 0);
}

/** Answers every tick with a large picture until the predicate, asked now and then, says stop; how many there were. */
async function drive(client: StreamClient, done: () => Promise<boolean>): Promise<number> {
  const images = { main: { kind: 'rgb8' as const, data: PIXELS, width: SIDE, height: SIDE } };
  let seq = 0;
  let read = client.received.length;
  client.send(observation(seq++, { images }));
  for (;;) {
    while (read < client.received.length) {
      const message = client.received[read++];
      if (message === undefined || !isTick(message)) continue;
      if (seq % 10 === 0 && (await done())) return seq;
      client.send(observation(seq++, { applied_seq: message.seq, images }));
    }
    await new Promise((resolve) => client.socket.once('message', () => setImmediate(resolve)));
  }
}

test('a client that does not read costs pictures, which are counted, and a bounded memory; every tick stands in it', async () => {
  const client = await server.robot({ control_hz: 50, pacing: 'paced' });
  const opened = client.received.find((message) => message.type === 'opened');
  const id = opened?.type === 'opened' ? opened.session_id : '';
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    request(`${server.http}/v1/sessions/${id}/recording`, { headers: { authorization: `Bearer ${KEY}` } })
      .once('response', resolve)
      .once('error', reject)
      .end();
  });
  // Nobody listens for its data: nothing is read off the socket beyond the first buffer.
  const sent = await drive(client, async () => (await leftOut()) > 20);
  const { recordings } = server.gateway;
  expect(recordings.backlog).toBeGreaterThan(BACKLOG.images / 2);
  expect(recordings.backlog).toBeLessThan(BACKLOG.everything);
  client.send({ type: 'close' });
  await client.next('closed');
  const parts: Buffer[] = [];
  for await (const part of response) parts.push(part as Buffer);
  const recording = await readMcap(Buffer.concat(parts));
  const missing = await leftOut();
  expect(recording.count('/camera/main') + missing).toBe(sent);
  expect(recording.count('/state')).toBe(sent);
  expect(recording.count('/tick')).toBe(client.received.filter(isTick).length);
  const told = recording.messages
    .filter(({ topic }) => topic === '/log')
    .map(({ record }) => /left out: (\d+) images/.exec(Buffer.from(record.data).toString())?.[1] ?? 0);
  expect(told.reduce((sum: number, n) => sum + Number(n), 0)).toBe(missing);
}, 60_000);
