import type { AddressInfo } from 'node:net';
import { encodeOpenpi, float32Array } from '@sinew/protocol/openpi';
import { afterEach, expect, test } from 'vitest';
import { WebSocketServer } from 'ws';
import { drive } from './drive.js';

let server: WebSocketServer;
afterEach(() => server.close());

/** Answers with a hold every so manyth time. */
async function listening(everyHold: number): Promise<number> {
  server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  const actions = float32Array([8, 7], new Float32Array(56));
  const answer = (n: number) => encodeOpenpi({ actions, ...(n % everyHold === 0 ? { hold: 'model_error' } : {}) });
  server.on('connection', (socket) => {
    let n = 0;
    socket.send(encodeOpenpi({}));
    socket.on('message', () => socket.send(answer(++n)));
  });
  await new Promise((resolve) => server.once('listening', resolve));
  return (server.address() as AddressInfo).port;
}

test('a hold is an answer without an inference: it is counted by itself, and is no frame served', async () => {
  const run = { path: '/', key: 'none', wire: 'openpi', rate: null, spin: false, serverPid: process.pid } as const;
  const frame = { image: [8, 8], instruction: 'pick up the red cube' } as const;
  const result = await drive({ ...run, frame, port: await listening(3), clients: 1, warmupMs: 0, ms: 300 });
  expect(result.answers).toBeGreaterThan(2);
  expect(result.latency?.count).toBe(result.answers);
  // Two of three, give or take where the window begins and ends.
  expect(Math.abs(result.answers - 2 * result.holds)).toBeLessThanOrEqual(2);
});
