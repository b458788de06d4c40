import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { decodeClientFrame, encodeServerMessage, type Opened } from '@sinew/protocol';
import { afterEach, describe, expect, it } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import { connect } from './index.js';
import { refusalOf } from './node-socket.js';
import { ConnectionError } from './socket.js';
import { FakeServer } from './testing/fake-server.js';
import { SEEN } from './testing/robots.js';

const OPTIONS = { apiKey: 'vla_live_secret', robotType: 'franka_panda', instruction: 'go' };
const running: Server[] = [];

/** A real server on loopback: `upgrade` decides, `talk` speaks on every socket that is made. */
async function serve(
  talk: (socket: WebSocket, request: IncomingMessage) => void,
  refuse?: (request: IncomingMessage) => { status: string; body: string } | null,
): Promise<string> {
  const http = createServer();
  const sockets = new WebSocketServer({ noServer: true, handleProtocols: (offers) => [...offers][0] ?? false });
  http.on('upgrade', (request, stream, head) => {
    const refusal = refuse?.(request) ?? null;
    if (refusal !== null) {
      const { status, body } = refusal;
      stream.end(
        `HTTP/1.1 ${status}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
      );
      return;
    }
    sockets.handleUpgrade(request, stream, head, (socket) => talk(socket, request));
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  running.push(http);
  return `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
}

afterEach(() => {
  for (const server of running.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

describe('on Node', () => {
  it('sends the key as a header and speaks the protocol over a real socket', async () => {
    const opened: Opened = new FakeServer().opened;
    let headers: IncomingMessage['headers'] = {};
    const url = await serve((socket, request) => {
      headers = request.headers;
      socket.on('message', (data: Buffer) => {
        const decoded = decodeClientFrame(data);
        if (!decoded.ok) throw new Error(decoded.fault.message);
        const { message } = decoded;
        if (message.type === 'open') socket.send(encodeServerMessage(opened));
        if (message.type === 'observation')
          socket.send(
            encodeServerMessage({ type: 'hold', seq: 5, reason: 'stale', values: Float64Array.from(message.state) }),
          );
        if (message.type === 'close') socket.close(1000);
      });
    });
    const robot = await connect({ ...OPTIONS, url });
    expect(headers.authorization).toBe('Bearer vla_live_secret');
    expect(headers['sec-websocket-protocol']).toBe('sinew.v1');
    expect(headers['sec-websocket-extensions']).toBeUndefined();
    robot.observe(SEEN);
    const { value } = await robot.actions().next();
    expect(value).toMatchObject({ kind: 'hold', seq: 5, values: Float64Array.from(SEEN.state) });
    await robot.close();
    expect(await robot.actions().next()).toEqual({ done: true, value: undefined });
  });

  it('a refused upgrade rejects with the server’s own error', async () => {
    const body = JSON.stringify({ error: 'unauthorized', message: 'the key is not known', reason: 'unknown' });
    const url = await serve(
      () => {},
      () => ({ status: '401 Unauthorized', body }),
    );
    await expect(connect({ ...OPTIONS, url })).rejects.toMatchObject({
      name: 'SinewError',
      code: 'unauthorized',
      message: 'the key is not known',
      reason: 'unknown',
    });
  });

  it('a server that is not there, or cuts the connection, rejects with a ConnectionError', async () => {
    const url = await serve((socket) => socket.terminate());
    await expect(connect({ ...OPTIONS, url })).rejects.toBeInstanceOf(ConnectionError);
    for (const server of running.splice(0)) await new Promise((resolve) => server.close(resolve));
    await expect(connect({ ...OPTIONS, url })).rejects.toBeInstanceOf(ConnectionError);
  });

  it('an address that no server can have is refused', async () => {
    await expect(connect({ ...OPTIONS, url: 'ftp://example.test' })).rejects.toBeInstanceOf(TypeError);
  });

  it('reads refusals that are not our server’s by their status', () => {
    expect(refusalOf(503, '<html>')).toMatchObject({ code: 'draining', retry: true });
    expect(refusalOf(403, '{}')).toMatchObject({ code: 'forbidden', retry: false });
    expect(refusalOf(418, 'null')).toMatchObject({ code: 'internal' });
    expect(refusalOf(400, '{"error":"toString"}')).toMatchObject({ code: 'bad_message' });
  });
});
