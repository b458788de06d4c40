import { rmSync } from 'node:fs';
import { type EmbeddedDatabase, startEmbedded } from '@sinew/db';
import { freshDataDir, TEST_PASSWORD } from '@sinew/db/testing';
import { openPostgresBackend } from './backend.js';
import { registerJobTests } from './job-tests.js';

registerJobTests('the embedded PostgreSQL', async () => {
  const dataDir = await freshDataDir();
  const start = (port: number) => startEmbedded({ dataDir, port, password: TEST_PASSWORD });
  let database: EmbeddedDatabase = await start(0);
  const { url, port } = database;
  return {
    options: { databaseUrl: url },
    raw: () => openPostgresBackend(url, () => undefined),
    outage: {
      begin: () => database.close(),
      async end() {
        database = await start(port);
      },
    },
    async close() {
      await database.close();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
});
