import { encodeClientMessage } from '@sinew/protocol';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { WebSocket } from 'ws';
import { StreamClient } from '../testing/stream-client.js';
import { KEY, OPEN, startTestGateway, type TestGateway, WATCH_ONLY_KEY } from '../testing/test-gateway.js';

let server: TestGateway;
beforeAll(async () => {
  server = await startTestGateway({ settings: { open_timeout_ms: 1_000, ping_interval_ms: 500 } });
});
afterAll(() => server.stop());

/** The HTTP answer to an upgrade that is refused. */
function refusedUpgrade(
  headers: Record<string, string>,
  protocols: string[] = [],
): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(`ws://127.0.0.1:${server.gateway.port}/v1/stream`, protocols, { headers });
    socket.on('open', () => reject(new Error('was accepted')));
    socket.on('error', reject);
    socket.on('unexpected-response', (_req, res) => {
      let body = '';
      res.on('data', (chunk: Buffer) => {
        body += chunk.toString();
      });
      res.on('end', () => resolve({ status: res.statusCode ?? 0, body }));
    });
  });
}

test('[W2] an upgrade without a key is 401 with the REST error body', async () => {
  const { status, body } = await refusedUpgrade({});
  expect(status).toBe(401);
  expect(JSON.parse(body)).toMatchObject({ error: 'unauthorized', status_code: 401, request_id: expect.any(String) });
});

test('[W2] a wrong key is 401', async () => {
  const { status } = await refusedUpgrade({ Authorization: `Bearer ${KEY}x` });
  expect(status).toBe(401);
});

test('[W2] a key in a subprotocol opens, and is not echoed', async () => {
  const socket = new WebSocket(`ws://127.0.0.1:${server.gateway.port}/v1/stream`, ['sinew.v1', `bearer.${KEY}`]);
  await new Promise((resolve, reject) => {
    socket.once('open', resolve);
    socket.once('error', reject);
  });
  expect(socket.protocol).toBe('sinew.v1');
  socket.terminate();
});

test('[W1] only unknown subprotocols are refused with 400', async () => {
  const { status, body } = await refusedUpgrade({ Authorization: `Bearer ${KEY}` }, ['sinew.v9']);
  expect(status).toBe(400);
  expect(JSON.parse(body).error).toBe('bad_message');
});

test('[W1] no subprotocol means v1, and `opened` is the first frame', async () => {
  const client = await StreamClient.connect(server.gateway.port, KEY, []);
  client.send(OPEN);
  await client.next('opened');
  expect(client.received[0]?.type).toBe('opened');
  client.send({ type: 'close' });
  expect((await client.closed()).code).toBe(1000);
});

test('[W2] a key without the scope `stream` is refused at open with 4403', async () => {
  const client = await server.connect(WATCH_ONLY_KEY);
  client.send(OPEN);
  expect(await client.next('error')).toMatchObject({ code: 'forbidden', fatal: true });
  expect((await client.closed()).code).toBe(4403);
});

test.each([
  ['a text frame', 'hello'],
  ['random bytes', new Uint8Array([0xc1, 1, 2, 3])],
  ['an array', new Uint8Array([0x90])],
  ['trailing bytes', new Uint8Array([0x80, 0x80])],
  ['a map without a type', new Uint8Array([0x80])],
])('[W3] %s closes 4400', async (_name, frame) => {
  const client = await server.connect();
  client.sendRaw(frame);
  expect((await client.closed()).code).toBe(4400);
});

test('[W3] anything but `open` first closes 4400', async () => {
  const client = await server.connect();
  client.send({ type: 'estop' });
  expect(await client.next('error')).toMatchObject({ code: 'bad_message', fatal: true });
  expect((await client.closed()).code).toBe(4400);
});

test('[W3] an unknown type or a broken message before `open` is a bad message too', async () => {
  for (const message of [{ type: 'party' }, { type: 'ping', sent_at_ms: 'soon' }]) {
    const client = await server.connect();
    client.sendRaw(encodeClientMessage(message as never));
    expect(await client.next('error')).toMatchObject({ code: 'bad_message', fatal: true });
    expect((await client.closed()).code).toBe(4400);
  }
});

test('[W3] a second `open`, broken or not, does not end the session', async () => {
  const client = await server.robot();
  client.send(OPEN);
  expect(await client.next('error')).toMatchObject({ code: 'validation_failed', fatal: false });
  client.send({ ...OPEN, control_hz: -5 });
  expect(await client.next('error')).toMatchObject({ code: 'validation_failed', fatal: false });
  client.send({ type: 'ping', sent_at_ms: 5 });
  await client.next('pong');
  client.terminate();
});

test('[W3] no `open` in time closes 4408', async () => {
  const client = await server.connect();
  expect((await client.closed()).code).toBe(4408);
});

test('[W3] a frame over max_frame_bytes ends the connection', async () => {
  const client = await server.robot();
  client.sendRaw(new Uint8Array(4_194_304 + 1_000));
  expect([1006, 1009]).toContain((await client.closed()).code);
});

test('[W3] an unknown type is answered and the session goes on', async () => {
  const client = await server.robot();
  client.sendRaw(encodeClientMessage({ type: 'party' } as never));
  expect(await client.next('error')).toMatchObject({ code: 'unknown_type', fatal: false });
  client.send({ type: 'ping', sent_at_ms: 5 });
  expect(await client.next('pong')).toMatchObject({ sent_at_ms: 5 });
  client.terminate();
});

test('[W4] a peer that answers no ping closes 4408', async () => {
  const socket = new WebSocket(`ws://127.0.0.1:${server.gateway.port}/v1/stream`, ['sinew.v1'], {
    headers: { Authorization: `Bearer ${KEY}` },
    autoPong: false,
  });
  socket.once('open', () => socket.send(encodeClientMessage(OPEN)));
  const code = await new Promise((resolve) => socket.once('close', resolve));
  expect(code).toBe(4408);
});

test('[W3] what an `open` says beyond the protocol has no effect, and the client is told', async () => {
  const client = await server.connect();
  client.send({ ...OPEN, keepout: [], limits: { v: 0.2, vmax: 0.1 } } as typeof OPEN);
  await client.next('opened');
  expect(await client.next('notice')).toMatchObject({
    code: 'fields_ignored',
    message: expect.stringMatching(/keepout, limits\.vmax$/),
  });
});

test('[W3] a fault of the server at one `open` ends that socket alone', async () => {
  const other = await server.robot({ robot_id: 'unharmed' });
  vi.spyOn(server.gateway.sessions, 'add').mockImplementationOnce(() => {
    throw new Error('made to fail');
  });
  const client = await server.connect();
  client.send(OPEN);
  expect(await client.next('error')).toMatchObject({ code: 'internal', fatal: true });
  expect((await client.closed()).code).toBe(4500);
  other.send({ type: 'ping', sent_at_ms: 1 });
  await other.next('pong');
});
