import { existsSync } from 'node:fs';
import { SETTINGS } from '@sinew/config';
import { type SafetyIncident, incidents as safetyIncidents } from '@sinew/db';
import { columns } from '../columns.js';
import { defineCommand, noWords, pick, type Terminal } from '../command.js';
import { Failure } from '../failure.js';
import { hasEmbeddedDatabase, withDatabase } from '../instance/open-database.js';
import { journalFolder, shipRemaining, waitUntilShipped } from '../instance/shipped.js';
import { JSON_OPTION } from '../json-option.js';

export const incidents = defineCommand({
  name: 'incidents',
  summary: 'Safety incidents, one row each, oldest first; also while nothing runs.',
  usage: ['incidents [--last N]'],
  options: {
    last: { type: 'integer', default: 20, min: 1, max: 100_000, help: 'how many of the newest' },
    ...pick(SETTINGS, 'data_dir', 'database_url'),
    ...JSON_OPTION,
  },
  async run(values, rest, terminal) {
    noWords(rest, 'incidents');
    const { data_dir } = values;
    if (values.database_url === null && !hasEmbeddedDatabase(data_dir) && !existsSync(journalFolder(data_dir))) {
      throw new Failure(`nothing has run on ${data_dir} yet`, [
        'npm start runs something; --data-dir names another folder',
      ]);
    }
    return withDatabase(values, 'sinew incidents', async ({ pool, url, from }) => {
      const { complete } = from === 'own' ? await shipRemaining(data_dir, url) : await waitUntilShipped(data_dir);
      if (!complete) terminal.err('sinew: the newest incidents are not in the database yet: the shipper does not move');
      const rows = (await safetyIncidents(pool).last(values.last)).reverse();
      if (values.json) terminal.out(JSON.stringify(rows));
      else print(rows, terminal);
      return complete ? 0 : 1;
    });
  },
});

function print(rows: readonly SafetyIncident[], terminal: Terminal): void {
  if (rows.length === 0) return terminal.out('no incidents');
  const lines = rows.map((row) => [
    row.opened_at.toISOString().replace('T', ' ').replace('Z', ''),
    row.closed_at === null
      ? 'open'
      : `${((row.last_violation_at.getTime() - row.opened_at.getTime()) / 1_000).toFixed(1)} s`,
    row.severity,
    row.violation_type,
    row.action_taken,
    row.robot_id ?? '–',
    String(row.ticks),
    String(row.refusals),
    row.worst_excess?.toFixed(2) ?? '–',
    row.log_id === null ? '–' : String(row.log_id),
    row.instruction ?? '–',
  ]);
  const head = [
    'time (UTC)',
    'lasted',
    'severity',
    'violation',
    'done',
    'robot',
    'ticks',
    'refused',
    'excess',
    'log id',
    'instruction',
  ];
  for (const line of columns([head, ...lines])) terminal.out(line);
}
