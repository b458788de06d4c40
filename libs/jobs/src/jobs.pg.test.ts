import { createPool } from '@sinew/db';
import { openPostgresBackend } from './backend.js';
import { registerJobTests } from './job-tests.js';

registerJobTests('a PostgreSQL server', async () => {
  const url = process.env.SINEW_TEST_DATABASE_URL;
  if (url === undefined) throw new Error('SINEW_TEST_DATABASE_URL is not set');
  const name = `sinew_jobs_${process.pid}`;
  const admin = createPool(url);
  await admin.query(`CREATE DATABASE ${name}`);
  const own = new URL(url);
  own.pathname = `/${name}`;
  return {
    options: { databaseUrl: own.href },
    raw: () => openPostgresBackend(own.href, () => undefined),
    restart: null,
    async close() {
      await admin.query(`DROP DATABASE ${name} WITH (FORCE)`);
      await admin.end();
    },
  };
});
