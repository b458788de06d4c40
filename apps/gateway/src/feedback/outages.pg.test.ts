import { randomBytes } from 'node:crypto';
import { createPool } from '@sinew/db';
import { test } from 'vitest';
import { CuttingProxy } from '../testing/cutting-proxy.js';
import { postThroughOutages } from '../testing/feedback-outages.js';

const server = process.env.SINEW_TEST_DATABASE_URL;

test('10,000 posts while PostgreSQL is cut off again and again, some answers lost: each 201 is in the table, none twice', {
  timeout: 600_000,
}, async () => {
  if (server === undefined) throw new Error('SINEW_TEST_DATABASE_URL is not set');
  const name = `sinew_test_${randomBytes(6).toString('hex')}`;
  const admin = createPool(server, { max: 1 });
  await admin.query(`CREATE DATABASE ${name}`);
  const direct = new URL(server);
  direct.pathname = `/${name}`;
  const proxy = await CuttingProxy.start({ host: direct.hostname, port: Number(direct.port || '5432') });
  const through = new URL(direct);
  through.host = `127.0.0.1:${proxy.port}`;
  try {
    await postThroughOutages(
      {
        url: through.href,
        checkUrl: direct.href,
        outages: 6,
        begin: (outage) => proxy.cut(outage % 2 === 0),
        end: () => proxy.restore(),
      },
      'not recorded',
    );
  } finally {
    await proxy.cut(false);
    await admin.query(`DROP DATABASE ${name} WITH (FORCE)`);
    await admin.end();
  }
});
