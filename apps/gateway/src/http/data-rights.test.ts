import { request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ErasureRow } from '@sinew/db';
import { createLogger } from '@sinew/telemetry';
import { afterEach, expect, it } from 'vitest';
import { ADMIN_KEY, KEY, OTHER_ADMIN_KEY, startTestGateway, type TestGateway } from '../testing/test-gateway.js';
import { type DataRightsDeps, dataRightsRoutes } from './data-rights.js';

const MINE = '01900000-0000-7000-8000-000000000001';
const THEIRS = '01900000-0000-7000-8000-000000000002';
const ERASURE = '01900000-0000-7000-8000-0000000000e1';

let server: TestGateway | null = null;
afterEach(async () => {
  await server?.stop();
  server = null;
});

const row = (customer_id: string, finished_at: Date | null = null): ErasureRow => ({
  erasure_id: ERASURE,
  customer_id,
  log_id: null,
  before: new Date(0),
  requested_by: null,
  requested_at: new Date(0),
  finished_at,
  report: null,
});

async function start(overrides: Partial<DataRightsDeps> = {}): Promise<{ asked: unknown[] }> {
  const asked: unknown[] = [];
  const deps: DataRightsDeps = {
    eraser: {
      request: async (wish) => {
        asked.push(wish);
        return row(wish.customerId);
      },
      finished: async () => row(MINE),
      report: async ({ finished_at }) => ({ status: finished_at === null ? 'running' : 'complete' }) as never,
    },
    erasures: { find: async () => row(MINE), ofLog: async () => null },
    accounts: { findCustomer: async (id) => (id === MINE || id === THEIRS ? ({ customer_id: id } as never) : null) },
    hasLog: async (customerId, logId) => customerId === MINE && logId === 7,
    exported: async function* () {
      yield [];
    },
    now: () => 0,
    log: createLogger('gateway', 'silent'),
    ...overrides,
  };
  server = await startTestGateway({ routes: () => dataRightsRoutes(deps) });
  return { asked };
}

const call = async (method: string, path: string, key: string = ADMIN_KEY): Promise<number> => {
  const response = await fetch(`${server?.http}${path}`, { method, headers: { Authorization: `Bearer ${key}` } });
  await response.text();
  return response.status;
};

const PATHS = [
  ['DELETE', '/v1/data/7'],
  ['DELETE', `/admin/customers/${MINE}/data`],
  ['GET', `/admin/customers/${MINE}/export`],
  ['GET', `/v1/data/erasures/${ERASURE}`],
] as const;

it.each(PATHS)('%s %s needs the scope `admin`', async (method, path) => {
  const { asked } = await start();
  expect(await call(method, path, KEY)).toBe(403);
  expect(asked).toEqual([]);
});

it.each(PATHS)('%s %s of another customer is answered as if it were not there', async (method, path) => {
  const { asked } = await start();
  expect(await call(method, path, OTHER_ADMIN_KEY)).toBe(404);
  expect(asked).toEqual([]);
});

it('is asked of the customer whose key it is, and answered 202 while it is carried out', async () => {
  const { asked } = await start();
  expect(await call('DELETE', `/admin/customers/${MINE}/data`)).toBe(202);
  expect(await call('DELETE', '/v1/data/7')).toBe(202);
  expect(await call('DELETE', '/v1/data/8')).toBe(404);
  expect(await call('DELETE', '/v1/data/07')).toBe(422);
  expect(await call('DELETE', `/admin/customers/${ERASURE}/data`)).toBe(404);
  const by = { customerId: MINE, requestedBy: '01900000-0000-7000-8000-0000000000a4' };
  expect(asked).toEqual([
    { ...by, logId: null },
    { ...by, logId: 7 },
  ]);
});

it('of an inference that was erased before answers that erasure', async () => {
  const { asked } = await start({ erasures: { find: async () => null, ofLog: async () => row(MINE, new Date()) } });
  expect(await call('DELETE', '/v1/data/7')).toBe(200);
  expect(asked).toEqual([]);
});

const PAGE = Array.from({ length: 100 }, (_, i) => ({
  kind: 'log',
  row: JSON.stringify({ i, text: 'x'.repeat(10_000) }),
}));
const PAGES = 60;

function pages(failAt = Number.POSITIVE_INFINITY) {
  const state = { pulled: 0, ended: false };
  const exported = async function* () {
    try {
      for (; state.pulled < PAGES; ) {
        if (state.pulled === failAt) throw new Error('the database went away');
        state.pulled++;
        yield PAGE;
      }
    } finally {
      state.ended = true;
    }
  };
  return { state, exported };
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(10);
}

it('an export waits for its reader, and ends with how much it was', async () => {
  const { state, exported } = pages();
  await start({ exported });
  const lines = await new Promise<string[]>((resolve, reject) => {
    const headers = { Authorization: `Bearer ${ADMIN_KEY}` };
    request(`${server?.http}/admin/customers/${MINE}/export`, { headers }, async (response) => {
      expect(response.headers['content-type']).toBe('application/x-ndjson');
      // Nobody reads: the sockets' buffers take some megabytes of the sixty, and then nothing more is asked for.
      let before = -1;
      for (; before !== state.pulled; await sleep(300)) before = state.pulled;
      expect(state.pulled).toBeLessThan(PAGES / 2);
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (part: string) => {
        text += part;
      });
      response.on('end', () => resolve(text.trimEnd().split('\n')));
      response.on('error', reject);
    }).end();
  });
  expect(lines).toHaveLength(PAGES * PAGE.length + 2);
  expect(JSON.parse(lines[0] as string)).toMatchObject({ kind: 'export', customer_id: MINE });
  expect(JSON.parse(lines.at(-1) as string)).toEqual({
    kind: 'summary',
    customer_id: MINE,
    complete: true,
    counts: { log: PAGES * PAGE.length },
    lines: PAGES * PAGE.length,
  });
  expect(state.ended).toBe(true);
});

it('an export whose reader leaves asks for nothing more', async () => {
  const { state, exported } = pages();
  await start({ exported });
  const headers = { Authorization: `Bearer ${ADMIN_KEY}` };
  const sent = request(`${server?.http}/admin/customers/${MINE}/export`, { headers }, (response) => {
    response.once('data', () => response.destroy());
  });
  sent.on('error', () => undefined);
  sent.end();
  await until(() => state.ended);
  expect(state.pulled).toBeLessThan(PAGES);
});

it('an export that fails in the middle is cut, and has no last line', async () => {
  const { exported } = pages(3);
  await start({ exported });
  const outcome = await fetch(`${server?.http}/admin/customers/${MINE}/export`, {
    headers: { Authorization: `Bearer ${ADMIN_KEY}` },
  })
    .then((response) => response.text())
    .catch((error: unknown) => error);
  expect(outcome).toBeInstanceOf(Error);
});
