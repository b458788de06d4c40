import { listLogsRoute, listSessionsRoute } from '@sinew/contracts';
import type { History } from '@sinew/db';
import { describe, expect, test } from 'vitest';
import type { RawRequest, Route } from './bind.js';
import { historyRoutes } from './history.js';
import { RequestFault } from './request-fault.js';

const CUSTOMER = '01900000-0000-7000-8000-000000000001';
const principal = { customerId: CUSTOMER } as NonNullable<RawRequest['principal']>;

type Asked = [customerId: string, filter: Parameters<History['logs']>[1]];

/** What a request makes the database be asked, and the answer's body. */
async function ask(route: { readonly operation: string }, query: string, rows: object[] = [], total = rows.length) {
  const asked: Asked[] = [];
  const found = async (...args: unknown[]) => {
    asked.push(args as Asked);
    return { rows, total };
  };
  const routes = historyRoutes({ sessions: found, logs: found } as unknown as History);
  const { handle } = routes.find(({ contract }) => contract.operation === route.operation) as Route;
  const reply = await handle({
    requestId: '01900000-0000-7000-8000-0000000000ff',
    principal,
    local: false,
    signal: new AbortController().signal,
    parameters: [],
    query,
    body: Buffer.alloc(0),
    headers: {},
  });
  return { asked, body: JSON.parse(String(reply.body)) as Record<string, unknown> };
}

describe('a list in pages', () => {
  test('asks for the caller’s own rows, the first fifty without more said', async () => {
    const { asked } = await ask(listSessionsRoute, '');
    expect(asked).toEqual([[CUSTOMER, expect.objectContaining({ limit: 50, offset: 0 })]]);
  });

  test('says whether more follows', async () => {
    const { asked, body } = await ask(listLogsRoute, 'page=2&per_page=10', [], 21);
    expect(asked[0]?.[1]).toMatchObject({ limit: 10, offset: 10 });
    expect(body).toEqual({ logs: [], total_count: 21, page: 2, per_page: 10, has_next: true });
    expect((await ask(listLogsRoute, 'page=3&per_page=10', [], 21)).body).toMatchObject({ has_next: false });
  });

  test('takes days whole and times as they are', async () => {
    const { asked } = await ask(listLogsRoute, 'start_date=2026-11-06&end_date=2026-11-06');
    expect(asked[0]?.[1]).toMatchObject({
      from: new Date('2026-11-06T00:00:00Z'),
      until: new Date('2026-11-07T00:00:00Z'),
    });
    const times = await ask(listLogsRoute, 'end_date=2026-11-06T10:00:00%2B02:00');
    expect(times.asked[0]?.[1]).toMatchObject({ until: new Date('2026-11-06T08:00:00Z') });
  });

  test.each([
    'page=0',
    'per_page=201',
    'page=1&page=2',
    'robot=arm-1',
    'start_date=yesterday',
    'active=perhaps',
    'robot_id=%00',
  ])('refuses ?%s', async (query) => {
    await expect(ask(listSessionsRoute, query)).rejects.toBeInstanceOf(RequestFault);
  });
});

test('one inference is whole; what is no number is null', async () => {
  const values = new Float32Array([0.5, Number.NaN, 1, 2]);
  const row = {
    log_id: 8192,
    timestamp: new Date('2026-11-06T10:00:00Z'),
    safety_score: Number.NaN,
    safety_flags: ['not_finite'],
    state: [1, Number.POSITIVE_INFINITY],
    action_vector: [0.5, Number.NaN],
    action_dim: 2,
    chunk: Buffer.from(values.buffer),
  };
  const asked: unknown[][] = [];
  const log = async (...args: unknown[]) => {
    asked.push(args);
    return row;
  };
  const routes = historyRoutes({ log } as unknown as History);
  const { handle } = routes.find(({ contract }) => contract.operation === 'getLog') as Route;
  const reply = await handle({ principal, parameters: ['8192'], query: '', headers: {} } as unknown as RawRequest);
  // 8192 ids a millisecond after the beginning of 2026.
  expect(asked).toEqual([[CUSTOMER, 8192, new Date('2026-01-01T00:00:00.001Z')]]);
  expect(JSON.parse(String(reply.body))).toMatchObject({
    timestamp: '2026-11-06T10:00:00.000Z',
    safety_score: null,
    state: [1, null],
    action_vector: [0.5, null],
    chunk: [
      [0.5, null],
      [1, 2],
    ],
  });
});
