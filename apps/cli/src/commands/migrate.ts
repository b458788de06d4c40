import { existsSync, renameSync } from 'node:fs';
import { SETTINGS } from '@sinew/config';
import { migrate as applyMigrations } from '@sinew/db';
import { clearCheckpoint } from '@sinew/journal';
import { defineCommand, noWords, pick, type Terminal } from '../command.js';
import { UsageError } from '../failure.js';
import { restoreAccounts } from '../instance/account-journal.js';
import { databaseFolder } from '../instance/embedded-database.js';
import { withDatabase, withOwnDatabase } from '../instance/open-database.js';
import { journalFolder, shipRemaining } from '../instance/shipped.js';
import { JSON_OPTION } from '../json-option.js';

export const migrate = defineCommand({
  name: 'migrate',
  summary: 'Brings the database to the current schema. Safe to run from several places at once.',
  usage: ['migrate', 'migrate --rebuild'],
  options: {
    rebuild: {
      type: 'boolean',
      default: false,
      help: 'make the embedded database anew from the journal; the old one is kept beside it',
    },
    ...pick(SETTINGS, 'data_dir', 'database_url'),
    ...JSON_OPTION,
  },
  async run(values, rest, terminal) {
    noWords(rest, 'migrate');
    if (values.rebuild) {
      if (values.database_url !== null) {
        throw new UsageError('--rebuild is for the embedded database; restore one of your own from its backup', [
          'unset DATABASE_URL to mean the embedded one',
        ]);
      }
      return rebuild(values.data_dir, values.json, terminal);
    }
    return withDatabase(values, 'sinew migrate', async ({ pool }) => {
      const applied = await applyMigrations(pool);
      if (values.json) terminal.out(JSON.stringify({ applied }));
      else terminal.out(applied.length === 0 ? 'up to date' : `applied ${applied.join(', ')}`);
      return 0;
    });
  },
});

/** The embedded database runs without fsync, so a power cut may cost it; the journal is the durable record. */
async function rebuild(dataDir: string, json: boolean, terminal: Terminal): Promise<number> {
  const folder = databaseFolder(dataDir);
  const kept = `${folder}.${new Date().toISOString().replaceAll(/[:.]/g, '-')}`;
  let moved = false;
  const setAside = (): void => {
    if (!existsSync(folder)) return;
    renameSync(folder, kept);
    moved = true;
  };
  const result = await withOwnDatabase(
    dataDir,
    'sinew migrate --rebuild',
    async ({ pool, url }) => {
      const accounts = await restoreAccounts(pool, dataDir);
      await clearCheckpoint(journalFolder(dataDir));
      await shipRemaining(dataDir, url, (line) => terminal.err(`sinew: ${line}`));
      const { rows } = await pool.query<{ n: number }>('SELECT count(*)::int AS n FROM vlaapi.inference_logs');
      return { ...accounts, inferences: rows[0]?.n ?? 0 };
    },
    setAside,
  );
  if (json) terminal.out(JSON.stringify({ ...result, kept: moved ? kept : null }));
  else {
    terminal.out(`restored ${result.customers} customers, ${result.keys} keys, ${result.inferences} inferences`);
    if (moved) terminal.out(`the old database is kept in ${kept}`);
  }
  return 0;
}
