import { setTimeout as sleep } from 'node:timers/promises';
import { readMcap } from '@sinew/recording/testing';
import { expect, test } from 'vitest';
import { KEY, startTestGateway } from '../testing/test-gateway.js';

/** Longer than the HTTP server keeps a connection on which nothing happens. */
const QUIET_MS = 25_000;

test('a recording waits for a robot that is away longer than connections usually live', async () => {
  const server = await startTestGateway({ settings: { resume_window_ms: 60_000 } });
  try {
    const client = await server.robot();
    const opened = client.received.find((message) => message.type === 'opened');
    const id = opened?.type === 'opened' ? opened.session_id : '';
    const headers = { Authorization: `Bearer ${KEY}` };
    const response = await fetch(`${server.http}/v1/sessions/${id}/recording`, { headers });
    const reading = response.arrayBuffer();
    client.terminate();
    await expect.poll(() => server.gateway.sessions.get(id)?.state.kind).toBe('detached');
    await sleep(QUIET_MS);
    server.gateway.sessions.get(id)?.close('client', null);
    const { messages } = await readMcap(new Uint8Array(await reading));
    expect(Buffer.from(messages.at(-1)?.record.data ?? []).toString()).toContain('session closed');
  } finally {
    await server.stop();
  }
}, 60_000);
