import { createPool } from '@sinew/db';
import { expect, test } from 'vitest';
import type { BenchResult } from '../result.js';
import type { DataResult, data } from './data-command.js';

test('on a PostgreSQL server the same rows go in by COPY, and nothing of the bench is left there', {
  timeout: 120_000,
}, async () => {
  const server = process.env.SINEW_TEST_DATABASE_URL;
  if (server === undefined) throw new Error('SINEW_TEST_DATABASE_URL is not set');
  const built = new URL('../../dist/data/data-command.js', import.meta.url).href;
  const { data: command } = (await import(built)) as { data: typeof data };
  const argv = ['--only', 'ship,vectors', '--rounds', '1', '--rows', '500', '--vectors', '200', '--searches', '50'];
  const { result } = await command.run([...argv, '--database-url', server], 'data');
  const { command: line, details } = result as BenchResult;
  expect(line).not.toContain(server);
  const { shipping, vectors } = details as DataResult;
  expect(shipping?.rounds[0]?.ratio).toBeGreaterThan(0);
  expect(vectors?.searches.at(-1)?.recall).toBe(1);
  const pool = createPool(server, { max: 1 });
  const { rows } = await pool.query("SELECT FROM pg_database WHERE datname LIKE 'sinew\\_bench\\_%'");
  await pool.end();
  expect(rows).toEqual([]);
});
