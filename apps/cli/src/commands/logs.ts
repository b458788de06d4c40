import { existsSync } from 'node:fs';
import { SETTINGS } from '@sinew/config';
import { type InferenceLog, logs as inferenceLogs } from '@sinew/db';
import { columns } from '../columns.js';
import { defineCommand, noWords, pick, type Terminal } from '../command.js';
import { Failure } from '../failure.js';
import { hasEmbeddedDatabase, withDatabase } from '../instance/open-database.js';
import { journalFolder, shipRemaining, waitUntilShipped } from '../instance/shipped.js';
import { JSON_OPTION } from '../json-option.js';

export const logs = defineCommand({
  name: 'logs',
  summary: 'What was inferred, one row an inference, oldest first; also while nothing runs.',
  usage: ['logs [--last N]'],
  options: {
    last: { type: 'integer', default: 20, min: 1, max: 100_000, help: 'how many of the newest' },
    ...pick(SETTINGS, 'data_dir', 'database_url'),
    ...JSON_OPTION,
  },
  async run(values, rest, terminal) {
    noWords(rest, 'logs');
    const { data_dir } = values;
    if (values.database_url === null && !hasEmbeddedDatabase(data_dir) && !existsSync(journalFolder(data_dir))) {
      throw new Failure(`nothing has run on ${data_dir} yet`, [
        'npm start runs something; --data-dir names another folder',
      ]);
    }
    return withDatabase(values, 'sinew logs', async ({ pool, url, from }) => {
      // The newest inferences may still be in the journal only: bring them in, or wait for whoever does.
      const { complete } = from === 'own' ? await shipRemaining(data_dir, url) : await waitUntilShipped(data_dir);
      if (!complete)
        terminal.err('sinew: the newest inferences are not in the database yet: the shipper does not move');
      const rows = (await inferenceLogs(pool).last(values.last)).reverse();
      if (values.json) terminal.out(JSON.stringify(rows.map(plain)));
      else print(rows, terminal);
      return complete ? 0 : 1;
    });
  },
});

/** The row as JSON holds it: the chunk as numbers, one array a step, instead of bytes. */
function plain(row: InferenceLog): Record<string, unknown> {
  const { chunk, timestamp, ...rest } = row;
  return { ...rest, timestamp: timestamp.toISOString(), chunk: steps(chunk, row.action_dim) };
}

/** Little-endian float32, `dim` values a step. */
function steps(bytes: Buffer, dim: number): number[][] {
  const count = Math.floor(bytes.length / 4 / Math.max(1, dim));
  return Array.from({ length: count }, (_, k) =>
    Array.from({ length: dim }, (_, i) => bytes.readFloatLE((k * dim + i) * 4)),
  );
}

function print(rows: readonly InferenceLog[], terminal: Terminal): void {
  const lines = rows.map((row) => [
    row.timestamp.toISOString().replace('T', ' ').replace('Z', ''),
    String(row.log_id),
    row.robot_id ?? '–',
    String(row.observation_seq ?? '–'),
    milliseconds(row.queue_wait_ms),
    milliseconds(row.gpu_compute_ms),
    milliseconds(row.inference_latency_ms),
    row.safety_score?.toFixed(2) ?? '–',
    row.status,
    row.error_message ?? row.instruction,
  ]);
  const head = ['time (UTC)', 'log id', 'robot', 'seq', 'queue', 'infer', 'total', 'safety', 'status', 'instruction'];
  for (const line of columns([head, ...lines])) terminal.out(line);
}

const milliseconds = (value: number | null): string => (value === null ? '–' : `${value.toFixed(1)} ms`);
