import { randomBytes } from 'node:crypto';
import { createPool } from './pool.js';
import { registerDbTests } from './testing/db-tests.js';

const server = process.env.SINEW_TEST_DATABASE_URL;

/**
 * Runs on a PostgreSQL 15+ with pgvector, in a database of its own that it makes and drops, as an ordinary user who owns
 * it: a superuser would see past every policy.
 */
registerDbTests('a PostgreSQL server, as an ordinary user', async () => {
  if (server === undefined) throw new Error('SINEW_TEST_DATABASE_URL is not set');
  const name = `sinew_test_${randomBytes(6).toString('hex')}`;
  const admin = createPool(server);
  await admin.query(`CREATE ROLE ${name} LOGIN CREATEROLE PASSWORD '${name}'`);
  await admin.query(`CREATE DATABASE ${name} OWNER ${name}`);
  // Left by an earlier migration of another user of this cluster, who alone may hand them on.
  const { rows } = await admin.query<{ role: string }>(
    "SELECT rolname AS role FROM pg_roles WHERE rolname IN ('sinew_service', 'sinew_api')",
  );
  for (const { role } of rows) await admin.query(`GRANT ${role} TO ${name}`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  // Older ones of pgvector only a superuser may install.
  const inside = createPool(url.href);
  await inside.query('CREATE EXTENSION vector');
  await inside.end();
  url.username = name;
  url.password = name;
  return {
    url: url.href,
    async close() {
      await admin.query(`DROP DATABASE ${name} WITH (FORCE)`);
      await admin.query(`DROP OWNED BY ${name}`);
      await admin.query(`DROP ROLE ${name}`);
      await admin.end();
    },
  };
});
