import { randomBytes } from 'node:crypto';
import { createPool } from '../pool.js';

export interface ServerDatabase {
  readonly url: string;
  close(): Promise<void>;
}

/**
 * A database of its own on the server of SINEW_TEST_DATABASE_URL (PostgreSQL 15+ with pgvector), made and dropped by the test,
 * as an ordinary user who owns it: a superuser would see past every policy.
 */
export async function startServerDatabase(): Promise<ServerDatabase> {
  const server = process.env.SINEW_TEST_DATABASE_URL;
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
}
