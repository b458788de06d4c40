import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { OptionTable, Values } from '@sinew/config';
import { JournalWriter } from '@sinew/journal';
import { defineCommand, progress } from '../command.js';
import { type Machine, machine, machineLine } from '../machine.js';
import { codecOperations } from './codec-operations.js';
import { controlOperations } from './control-operations.js';
import { journalAppends } from './journal-operation.js';
import { type Timing, timeOperation } from './time-operation.js';

const OPTIONS = {
  rounds: { type: 'integer', default: 9, min: 1, max: 100, help: 'measurements of each operation; the median counts' },
  round_ms: { type: 'integer', default: 100, min: 1, max: 5_000, help: 'the least time of one measurement' },
} as const satisfies OptionTable;

const JOURNAL_BYTES = 16 * 1024 ** 3;

export interface MicroResult {
  readonly machine: Machine;
  readonly operations: readonly Timing[];
}

async function measure({ rounds, round_ms }: Values<typeof OPTIONS>): Promise<MicroResult> {
  const dir = await mkdtemp(join(tmpdir(), 'sinew-bench-'));
  const journal = await JournalWriter.open({ dir, node: 0, budgetBytes: JOURNAL_BYTES, now: () => Date.now() });
  const timings: Timing[] = [];
  try {
    const operations = {
      ...(await codecOperations()),
      ...controlOperations(),
      'journal: append an inference, until written': journalAppends(journal),
    };
    for (const [name, operation] of Object.entries(operations)) {
      progress(name);
      timings.push(await timeOperation(name, operation, rounds, round_ms));
    }
  } finally {
    await journal.close();
    await rm(dir, { recursive: true, force: true });
  }
  return { machine: machine(), operations: timings };
}

export const micro = defineCommand({
  summary: 'Single operations of the hot path: codec, frame scan, control tick, journal.',
  options: OPTIONS,
  measure,
  show: (result) => [
    machineLine(result.machine),
    '',
    `${''.padEnd(46)}median ns/op       best`,
    ...result.operations.map(
      ({ name, median_ns, best_ns }) =>
        `${name.padEnd(46)}${String(median_ns).padStart(12)}${String(best_ns).padStart(11)}`,
    ),
  ],
});
