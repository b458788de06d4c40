import { rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { freshDataDir, TEST_PASSWORD } from '@sinew/db/testing';
import { test } from 'vitest';
import { postThroughOutages } from '../testing/feedback-outages.js';
import { type Child, startEntry } from '../testing/gateway-child.js';

const DATABASE = fileURLToPath(new URL('../../../../libs/db/dist/embedded/main.js', import.meta.url));

test('10,000 posts while the embedded database is killed, stopped and started: each 201 is in the table, none twice', {
  timeout: 600_000,
}, async () => {
  const folder = await freshDataDir();
  const start = (port: number) =>
    startEntry<{ url: string; port: number }>(DATABASE, {
      SINEW_DB_DATA_DIR: folder,
      SINEW_DB_PASSWORD: TEST_PASSWORD,
      SINEW_DB_PORT: String(port),
    });
  let running: Child<{ url: string; port: number }> = await start(0);
  const { url, port } = running.ready;
  try {
    await postThroughOutages(
      {
        url,
        checkUrl: url,
        outages: 6,
        begin: (outage) => running.stop(outage % 2 === 0 ? 'SIGTERM' : 'SIGKILL'),
        end: async () => {
          running = await start(port);
        },
      },
      'recorded',
    );
  } finally {
    await running.stop('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  }
});
