import { EventEmitter } from 'node:events';
import type { Pool } from 'pg';
import { expect, test } from 'vitest';
import { inTransaction } from './transaction.js';

function poolOf(query: (text: string) => Promise<unknown>) {
  const asked: string[] = [];
  const released: unknown[] = [];
  const client = Object.assign(new EventEmitter(), {
    query: (text: string) => {
      asked.push(text);
      return query(text);
    },
    release: (broken?: unknown) => released.push(broken),
  });
  return { asked, released, pool: { connect: async () => client } as unknown as Pool };
}

test('a connection that did not answer is thrown away, and not asked to roll back', async () => {
  const { asked, pool, released } = poolOf(async (text) => {
    if (text === 'SELECT 1') throw new Error('Query read timeout');
  });
  await expect(inTransaction(pool, (client) => client.query('SELECT 1'))).rejects.toThrow('Query read timeout');
  expect(asked).toEqual(['BEGIN', 'SELECT 1']);
  expect(released).toEqual([true]);
});

test('one that answered with an error is rolled back and used again', async () => {
  const { asked, pool, released } = poolOf(async (text) => {
    if (text === 'SELECT 1') throw new Error('wrong');
  });
  await expect(inTransaction(pool, (client) => client.query('SELECT 1'))).rejects.toThrow('wrong');
  expect(asked).toEqual(['BEGIN', 'SELECT 1', 'ROLLBACK']);
  expect(released).toEqual([undefined]);
});
