import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { KeyIdentity } from '@sinew/db';
import type { Action, Hold } from '@sinew/protocol';
import { type ReadBack, readMcap } from '@sinew/recording/testing';
import { afterEach, expect, test } from 'vitest';
import type { StreamClient } from '../testing/stream-client.js';
import {
  KEY,
  OPERATOR_KEY,
  OTHER_KEY,
  observation,
  startTestGateway,
  type TestGateway,
  WATCH_ONLY_KEY,
} from '../testing/test-gateway.js';
import { FanOut } from './fan-out.js';

const CUSTOMER = '01900000-0000-7000-8000-000000000001';
const PLENTY = 1 << 28;

let server: TestGateway;
afterEach(() => server.stop());

const isTick = (message: { type: string }): message is Action | Hold =>
  message.type === 'action' || message.type === 'hold';

/** Answers every tick with an observation until so many ticks came. */
async function drive(client: StreamClient, ticks: number, from = 0): Promise<number> {
  let seq = from;
  let read = client.received.length;
  let seen = 0;
  client.send(observation(seq++));
  for (;;) {
    while (read < client.received.length) {
      const message = client.received[read++];
      if (message === undefined || !isTick(message)) continue;
      if (++seen >= ticks) return seq;
      client.send(observation(seq++, { applied_seq: message.seq }));
    }
    await new Promise((resolve) => client.socket.once('message', () => setImmediate(resolve)));
  }
}

const sessionOf = (client: StreamClient): string => {
  const opened = client.received.find((message) => message.type === 'opened');
  return opened?.type === 'opened' ? opened.session_id : '';
};

const ask = (session: string, key = KEY, query = '', init: RequestInit = {}): Promise<Response> =>
  fetch(`${server.http}/v1/sessions/${session}/recording${query}`, {
    headers: { Authorization: `Bearer ${key}` },
    ...init,
  });

const whole = async (response: Response): Promise<ReadBack> => readMcap(new Uint8Array(await response.arrayBuffer()));

const logged = ({ messages }: ReadBack): string =>
  messages
    .filter(({ topic }) => topic === '/log')
    .map(({ record }) => Buffer.from(record.data).toString('utf8'))
    .join('\n');

/** Another key of the same customer. */
const SECOND_KEY = 'vla_live_test-key-0000000000000000000000000099';

function change(key: string, to: Partial<KeyIdentity>): void {
  const hash = (text: string) => createHash('sha256').update(text).digest('hex');
  const row = server.keys.get(hash(key)) ?? server.keys.get(hash(KEY));
  if (row !== undefined) server.keys.set(hash(key), { ...row, ...to });
}

/** Its customer is recorded from now on. */
function record(): void {
  change(KEY, { record_sessions: true });
  change(SECOND_KEY, { key_id: '01900000-0000-7000-8000-0000000000a9' });
}

const files = (): string[] => {
  const dir = join(server.dir, 'recordings', CUSTOMER);
  return existsSync(dir) ? readdirSync(dir).map((name) => join(dir, name)) : [];
};

/** The recorder ends its files after the session has. */
async function endedFile(): Promise<string> {
  await expect.poll(files, { timeout: 5_000 }).toEqual([expect.stringMatching(/\.mcap$/)]);
  return files()[0] ?? '';
}

test('a customer takes a recording of its session as it goes on: every tick, every picture, every event', async () => {
  server = await startTestGateway();
  const client = await server.robot({ control_hz: 50, stale_after_ms: 100, robot_id: 'arm-1' });
  const response = await ask(sessionOf(client));
  expect(response.status).toBe(200);
  const reading = whole(response);
  await expect.poll(() => server.gateway.recordings.streams).toBe(1);
  const sent = await drive(client, 30);
  client.send({ type: 'instruction', instruction: 'put it into the bowl' });
  await client.next('hold', ({ reason }) => reason === 'stale');
  client.send({ type: 'estop' });
  await client.next('hold', ({ reason }) => reason === 'estop');
  client.send({ type: 'close' });
  await client.next('closed');
  const recording = await reading;
  const ticks = client.received.filter(isTick);
  expect(recording.count('/action/sent')).toBe(ticks.length);
  expect(recording.count('/tick')).toBe(ticks.length);
  expect(recording.count('/hold')).toBe(ticks.filter(({ type }) => type === 'hold').length);
  expect(recording.count('/camera/main')).toBe(sent);
  expect(recording.count('/state')).toBe(sent);
  expect(recording.count('/latency')).toBeGreaterThan(0);
  const times = recording.messages.map(({ record: { logTime } }) => logTime);
  expect(times).toEqual(times.slice().sort((a, b) => Number(a - b)));
  const log = logged(recording);
  for (const text of ['put it into the bowl', 'e-stop by client', 'session closed (client)'])
    expect(log).toContain(text);
  expect(recording.metadata.get('sinew.session')?.get('robot_id')).toBe('arm-1');
  // Nothing of it is left here.
  expect(files()).toEqual([]);
  await expect.poll(() => server.gateway.recordings.streams).toBe(0);
});

test('pictures are left out where the customer says so', async () => {
  server = await startTestGateway();
  const client = await server.robot({ control_hz: 50 });
  const reading = whole(await ask(sessionOf(client), KEY, '?images=false'));
  await expect.poll(() => server.gateway.recordings.streams).toBe(1);
  await drive(client, 5);
  client.send({ type: 'close' });
  const recording = await reading;
  expect(recording.count('/camera/main')).toBe(0);
  expect(recording.count('/state')).toBeGreaterThan(0);
});

test('nobody else gets one: not another customer, not an operator, not a key without the scope', async () => {
  server = await startTestGateway();
  const client = await server.robot();
  const session = sessionOf(client);
  expect((await ask(session, OTHER_KEY)).status).toBe(404);
  expect((await ask(session, OPERATOR_KEY)).status).toBe(403);
  expect((await ask(session, WATCH_ONLY_KEY)).status).toBe(403);
  expect((await ask('01900000-0000-7000-8000-00000000dead')).status).toBe(404);
  expect(server.gateway.sessions.get(session)?.tap).toBeNull();
  client.terminate();
});

test('who goes away ends its recording, and the session knows nothing of it', async () => {
  server = await startTestGateway();
  const client = await server.robot({ control_hz: 50 });
  const session = sessionOf(client);
  const gone = new AbortController();
  const response = await ask(session, KEY, '', { signal: gone.signal });
  const read = response.body?.getReader();
  await read?.read();
  expect(server.gateway.sessions.get(session)?.tap).not.toBeNull();
  gone.abort();
  await expect.poll(() => server.gateway.sessions.get(session)?.tap).toBeNull();
  await drive(client, 3);
  client.terminate();
});

test('a recording that fails ends by itself: the robot is stopped all the same', async () => {
  server = await startTestGateway();
  const client = await server.robot({ control_hz: 50 });
  const session = server.gateway.sessions.get(sessionOf(client));
  if (session === undefined) throw new Error('there is no session');
  const failures: unknown[] = [];
  const broken = (): never => {
    throw new Error('out of order');
  };
  const failed = (error: unknown): void => void failures.push(error);
  FanOut.attach(session, { observed: () => {}, ticked: () => {}, recorded: broken, ended: broken, failed });
  client.send({ type: 'estop' });
  await drive(client, 3);
  await client.next('hold', ({ reason }) => reason === 'estop');
  expect(failures).toEqual([new Error('out of order')]);
  expect((await server.journaled()).filter((each) => each.kind === 'event').map(({ event }) => event)).toContain(
    'estop',
  );
  client.terminate();
});

test('a customer that is recorded is recorded here: without pictures, with its words scrubbed, for the gateway’s user only', async () => {
  server = await startTestGateway({ recordingsBudgetBytes: PLENTY });
  record();
  const client = await server.robot({ control_hz: 50, instruction: 'hand the cup to eve@example.com now' });
  await drive(client, 20);
  client.send({ type: 'close' });
  await client.next('closed');
  const path = await endedFile();
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(statSync(join(path, '..')).mode & 0o777).toBe(0o700);
  const bytes = readFileSync(path);
  const recording = await readMcap(bytes);
  expect(recording.count('/camera/main')).toBe(0);
  expect(recording.count('/action/sent')).toBe(client.received.filter(isTick).length);
  expect(bytes.includes('eve@example.com')).toBe(false);
  expect(logged(recording)).toContain('hand the cup to');
});

test('at its budget recording stops, and robots do not', async () => {
  server = await startTestGateway({ recordingsBudgetBytes: 6_000 });
  record();
  const client = await server.robot({ control_hz: 100 });
  const seq = await drive(client, 150);
  const first = await endedFile();
  expect((await readMcap(readFileSync(first))).count('/tick')).toBeGreaterThan(0);
  await drive(client, 10, seq);
  const second = await server.robot();
  expect(server.gateway.sessions.get(sessionOf(second))?.tap).toBeNull();
  client.terminate();
  second.terminate();
});

test('where the disk is nearly full nothing is recorded: the journal needs it', async () => {
  server = await startTestGateway({ recordingsBudgetBytes: PLENTY, recordingsReserveBytes: Number.MAX_SAFE_INTEGER });
  record();
  const client = await server.robot({ control_hz: 50 });
  await endedFile();
  await drive(client, 3);
  const second = await server.robot();
  expect(server.gateway.sessions.get(sessionOf(second))?.tap).toBeNull();
  client.terminate();
  second.terminate();
});

test('switching it off ends what is being recorded, and a key that ends gets no more, while sessions go on', async () => {
  server = await startTestGateway({ recordingsBudgetBytes: PLENTY });
  record();
  const client = await server.robot({ control_hz: 50 });
  const reading = whole(await ask(sessionOf(client), SECOND_KEY));
  await drive(client, 5);
  change(KEY, { record_sessions: false });
  change(SECOND_KEY, { revoked_at: new Date() });
  expect(logged(await reading)).toContain('the key that it was sent to has ended');
  expect(logged(await readMcap(readFileSync(await endedFile())))).toContain('recording was switched off');
  expect(server.gateway.sessions.get(sessionOf(client))?.tap).toBeNull();
  await drive(client, 3, 1_000);
  client.terminate();
}, 20_000);

test('erasing a customer removes its recordings, the one being written too; erasing an inference those it stands in', async () => {
  server = await startTestGateway({ recordingsBudgetBytes: PLENTY });
  record();
  const [ana, ben] = await Promise.all([server.robot({ control_hz: 50 }), server.robot({ control_hz: 50 })]);
  await Promise.all([drive(ana, 20), drive(ben, 20)]);
  ana.send({ type: 'close' });
  await ana.next('closed');
  await expect.poll(() => files().filter((name) => name.endsWith('.mcap')).length).toBe(1);
  const action = ben.received.find((message) => message.type === 'action');
  if (action?.type !== 'action') throw new Error('no action came');
  const { recordings } = server.gateway;
  const beforeMs = Date.now();
  expect(await recordings.erase(CUSTOMER, { beforeMs, logId: action.log_id + 1 })).toBe(0);
  expect(await recordings.erase(CUSTOMER, { beforeMs, logId: action.log_id })).toBe(1);
  expect(files()).toEqual([expect.stringContaining(sessionOf(ana))]);
  expect(await recordings.erase(CUSTOMER, { beforeMs: beforeMs - 3_600_000, logId: null })).toBe(0);
  expect(await recordings.erase(CUSTOMER, { beforeMs, logId: null })).toBe(1);
  expect(files()).toEqual([]);
  // The robot whose recording went goes on.
  await drive(ben, 3, 1_000);
  ben.terminate();
});
