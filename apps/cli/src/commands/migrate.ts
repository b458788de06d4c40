import { SETTINGS } from '@sinew/config';
import { migrate as applyMigrations } from '@sinew/db';
import { defineCommand, noWords, pick } from '../command.js';
import { withDatabase } from '../instance/open-database.js';
import { JSON_OPTION } from '../json-option.js';

export const migrate = defineCommand({
  name: 'migrate',
  summary: 'Brings the database to the current schema. Safe to run from several places at once.',
  usage: ['migrate'],
  options: { ...pick(SETTINGS, 'data_dir', 'database_url'), ...JSON_OPTION },
  async run(values, rest, terminal) {
    noWords(rest, 'migrate');
    return withDatabase(values, 'sinew migrate', async ({ pool }) => {
      const applied = await applyMigrations(pool);
      if (values.json) terminal.out(JSON.stringify({ applied }));
      else terminal.out(applied.length === 0 ? 'up to date' : `applied ${applied.join(', ')}`);
      return 0;
    });
  },
});
