import { openGate } from '@sinew/cache/testing';
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
  const gate = await openGate(own.hostname, Number(own.port || '5432'));
  const gated = new URL(own);
  gated.hostname = '127.0.0.1';
  gated.port = String(gate.port);
  return {
    options: { databaseUrl: gated.href },
    raw: () => openPostgresBackend(own.href, () => undefined),
    outage: { begin: gate.shut, end: gate.open },
    async close() {
      await gate.shut();
      await admin.query(`DROP DATABASE ${name} WITH (FORCE)`);
      await admin.end();
    },
  };
});
