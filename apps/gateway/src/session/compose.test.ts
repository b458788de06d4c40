import type { WebSocket } from 'uWebSockets.js';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createMemoryState } from '@sinew/cache';
import { JournalWriter } from '@sinew/journal';
import { ConsentCache } from '@sinew/privacy';
import { decodeServerFrame } from '@sinew/protocol';
import { createLogger, createMetrics } from '@sinew/telemetry';
import { expect, test } from 'vitest';
import type { Principal } from '../auth.js';
import { monotonicClock as clock } from '../clock.js';
import { SocketHandle } from '../stream/socket-handle.js';
import { scriptedModels } from '../testing/scripted-models.js';
import { OPEN } from '../testing/test-gateway.js';
import { composeSessions } from './compose.js';

const PRINCIPAL: Principal = {
  customerId: '01900000-0000-7000-8000-000000000001',
  keyId: '01900000-0000-7000-8000-0000000000a1',
  tier: 'enterprise',
  scopes: new Set(['stream']),
  operator: false,
  limits: null,
};

test('a recording that cannot begin refuses no robot, and leaves no session behind', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'sinew-sessions-'));
  const journal = await JournalWriter.open({ dir, node: 0, budgetBytes: 1e8, fsyncMs: 10, now: () => Date.now() });
  const shared = createMemoryState(clock.now);
  const { customers, opener, pacer, places, refusals, refusedInstructions, registry } = composeSessions({
    settings: {
      max_sessions: 5,
      stale_after_ms: 500,
      max_frame_bytes: 1e6,
      resume_window_ms: 1_000,
      metrics_customer_labels: false,
    },
    clock,
    journal,
    models: await scriptedModels(),
    metrics: createMetrics(),
    log: createLogger('gateway', 'silent'),
    shared,
    consents: new ConsentCache(async () => new Map(), { now: clock.now, wall: Date.now }),
    usedInMonth: async () => new Map(),
    wallNow: Date.now,
    opened: () => {
      throw new Error('no more threads');
    },
    exhausted: () => {},
  });
  const sent: string[] = [];
  const ws = {
    getBufferedAmount: () => 0,
    send: (bytes: Uint8Array) => {
      const frame = decodeServerFrame(bytes);
      sent.push(frame.ok ? frame.message.type : 'noise');
      return 1;
    },
    end: () => {},
  };
  const socket = new SocketHandle(ws as unknown as WebSocket<unknown>, { soft: 1e6, hard: 2e6 });
  const result = opener.open(OPEN, PRINCIPAL, socket, null);
  expect(result.kind).toBe('opened');
  expect(sent).toEqual(['opened']);
  for (const session of [...registry]) session.close('client', 1000);
  expect(registry.size).toBe(0);
  pacer.stop();
  refusals.close();
  refusedInstructions.close();
  places.close();
  await customers.close();
  await shared.close();
  await journal.close();
  await rm(dir, { recursive: true });
});
