import { rmSync } from 'node:fs';
import { SETTINGS } from '@sinew/config';
import { migrate as applyMigrations, type MigrationStatus, migrationStatus } from '@sinew/db';
import { clearCheckpoint } from '@sinew/journal';
import { defineCommand, noWords, pick, type Terminal } from '../command.js';
import { Failure, UsageError } from '../failure.js';
import { databaseMark } from '../instance/embedded-database.js';
import { type DatabaseChoice, hasEmbeddedDatabase, withDatabase, withOwnDatabase } from '../instance/open-database.js';
import { journalFolder, shipRemaining } from '../instance/shipped.js';
import { JSON_OPTION } from '../json-option.js';

export const migrate = defineCommand({
  name: 'migrate',
  summary: 'Brings the database to the current schema. Safe to run from several places at once.',
  usage: ['migrate', 'migrate --status', 'migrate --rebuild'],
  options: {
    rebuild: {
      type: 'boolean',
      default: false,
      help: 'make the embedded database anew from the journal; the old one is kept beside it',
    },
    status: {
      type: 'boolean',
      default: false,
      help: 'change nothing; say what is applied, pending or missing (exit code 1 unless up to date)',
    },
    ...pick(SETTINGS, 'data_dir', 'database_url'),
    ...JSON_OPTION,
  },
  async run(values, rest, terminal) {
    noWords(rest, 'migrate');
    if (values.rebuild && values.status) throw new UsageError('--status changes nothing: not with --rebuild');
    if (values.status) return tellStatus(await status(values), values.json, terminal);
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

async function status(choice: DatabaseChoice): Promise<MigrationStatus> {
  const now = new Date();
  if (choice.database_url === null && !hasEmbeddedDatabase(choice.data_dir)) return migrationStatus(null, now);
  return withDatabase(choice, 'sinew migrate --status', ({ pool }) => migrationStatus(pool, now), { asItIs: true });
}

function tellStatus(found: MigrationStatus, json: boolean, terminal: Terminal): number {
  if (json) terminal.out(JSON.stringify(found));
  else {
    const { partitions } = found;
    for (const { name, applied_at } of found.applied) terminal.out(`applied   ${name}  ${applied_at.toISOString()}`);
    for (const name of found.pending) terminal.out(`pending   ${name}`);
    for (const name of found.changed) terminal.out(`changed   ${name}  (after it was applied)`);
    for (const name of found.unknown) terminal.out(`unknown   ${name}  (of a newer version)`);
    for (const name of partitions.present) terminal.out(`partition ${name}`);
    for (const name of partitions.missing) terminal.out(`missing   ${name}`);
    if ((partitions.strays ?? 0) > 0) terminal.out(`${partitions.strays} rows are in no monthly partition`);
    terminal.out(found.up_to_date ? 'up to date' : 'not up to date: sinew migrate, and sinew worker for partitions');
  }
  return found.up_to_date ? 0 : 1;
}

/** The embedded database runs without fsync, so a power cut may cost it; the journal is the durable record. */
async function rebuild(dataDir: string, json: boolean, terminal: Terminal): Promise<number> {
  return withOwnDatabase(
    dataDir,
    'sinew migrate --rebuild',
    async ({ pool, url, ready, restored }) => {
      if (ready.created !== true) {
        throw new Failure('the old database was just being made by another process', ['try again']);
      }
      const shipped = await shipRemaining(dataDir, url);
      const { rows } = await pool.query<{ n: number }>('SELECT count(*)::int AS n FROM vlaapi.inference_logs');
      const result = {
        customers: restored?.customers ?? 0,
        keys: restored?.keys ?? 0,
        consents: restored?.consents ?? 0,
        feedback: restored?.feedback ?? 0,
        inferences: rows[0]?.n ?? 0,
        damaged: (restored?.faults.length ?? 0) + (restored?.refused ?? 0) + shipped.faults.length,
        complete: shipped.complete,
        kept: typeof ready.set_aside === 'string' ? ready.set_aside : null,
      };
      tell(result, json, terminal);
      return result.complete && result.damaged === 0 ? 0 : 1;
    },
    {
      before: async () => {
        // First: inferences are shipped again whatever happens from here on, and stored once.
        await clearCheckpoint(journalFolder(dataDir));
        // Not the folder itself: an orphaned database may still hold it, and would close its files at their old paths.
        rmSync(databaseMark(dataDir), { force: true });
      },
    },
  );
}

interface Rebuilt {
  readonly customers: number;
  readonly keys: number;
  readonly consents: number;
  readonly feedback: number;
  readonly inferences: number;
  /** Places in the journals that could not be read. */
  readonly damaged: number;
  /** False where the shipper stopped before the end of the journal. */
  readonly complete: boolean;
  readonly kept: string | null;
}

function tell(result: Rebuilt, json: boolean, terminal: Terminal): void {
  if (json) terminal.out(JSON.stringify(result));
  else {
    terminal.out(
      `restored ${result.customers} customers, ${result.keys} keys, ${result.consents} consents, ` +
        `${result.feedback} reports, ${result.inferences} inferences`,
    );
    if (result.kept !== null) terminal.out(`the old database is kept in ${result.kept}`);
  }
  if (result.damaged > 0)
    terminal.err(`sinew: the journals are damaged in ${result.damaged} places; what stood there is lost`);
  if (!result.complete)
    terminal.err('sinew: not all inferences were stored; the next sinew up goes on where this ended');
}
