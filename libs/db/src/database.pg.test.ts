import { randomBytes } from 'node:crypto';
import { createPool } from './pool.js';
import { registerDbTests } from './testing/db-tests.js';

/** Runs on a PostgreSQL 15+ with pgvector, in a database of its own that it makes and drops. */
registerDbTests('a PostgreSQL server', async () => {
  const server = process.env.SINEW_TEST_DATABASE_URL;
  if (server === undefined) throw new Error('SINEW_TEST_DATABASE_URL is not set');
  const name = `sinew_test_${randomBytes(6).toString('hex')}`;
  const admin = createPool(server);
  await admin.query(`CREATE DATABASE ${name}`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  return {
    url: url.href,
    async close() {
      await admin.query(`DROP DATABASE ${name} WITH (FORCE)`);
      await admin.end();
    },
  };
});
