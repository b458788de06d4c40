import { createServer } from 'node:net';
import { DrizzleQueryError } from 'drizzle-orm/errors';
import { drizzle } from 'drizzle-orm/node-postgres';
import pg from 'pg';
import { expect, test } from 'vitest';
import { isDatabaseAway } from './database-away.js';
import { createPool } from './pool.js';

const said = (code: string) => Object.assign(new pg.DatabaseError('x', 1, 'error'), { code });

test.each(['08006', '57P01', '57P03', '57P05', '57014', '53300', '40P01', '40001', '55P03', '25P03', '58030', 'XX000'])(
  'a server that answers %s cannot now',
  (code) => expect(isDatabaseAway(said(code))).toBe(true),
);

test.each(['23505', '22P02', '42P01', '42501', '25P02', '0A000'])(
  'a server that answers %s was asked wrongly',
  (code) => expect(isDatabaseAway(said(code))).toBe(false),
);

test('nobody there, and somebody who hangs up, are away', async () => {
  const server = createServer((socket) => socket.once('data', () => socket.destroy()));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const pool = createPool(`postgres://nobody@127.0.0.1:${address.port}/none`);
  const failure = async () => (await pool.query('SELECT 1').catch((error: unknown) => error)) as unknown;
  expect(isDatabaseAway(await failure())).toBe(true);
  await new Promise((resolve) => server.close(resolve));
  expect(isDatabaseAway(await failure())).toBe(true);
  await pool.end();
});

test('what a query builder wraps is judged by what it wraps', async () => {
  const pool = createPool('postgres://nobody@127.0.0.1:1/none');
  const failure: unknown = await drizzle(pool)
    .execute('SELECT 1')
    .catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(DrizzleQueryError);
  expect(isDatabaseAway(failure)).toBe(true);
  expect(isDatabaseAway(new DrizzleQueryError('SELECT 1', [], said('57P01')))).toBe(true);
  expect(isDatabaseAway(new DrizzleQueryError('SELECT 1', [], said('42P01')))).toBe(false);
  await pool.end();
});

test('a bug is no outage', () => {
  for (const error of [new TypeError('x is not a function'), new RangeError('y'), new Error('z'), null, 'text']) {
    expect(isDatabaseAway(error)).toBe(false);
  }
});
