import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { OptionTable, Values } from '@sinew/config';
import { JournalWriter } from '@sinew/journal';
import { defineCommand, progress } from '../command.js';
import { type Machine, machine, machineLine } from '../machine.js';
import { type Allocation, measureAllocation } from './allocation.js';
import { codecOperations } from './codec-operations.js';
import { controlOperations } from './control-operations.js';
import { journalAppends } from './journal-operation.js';
import { stageOperations } from './stage-operations.js';
import { steadyScenarios } from './steady-scenarios.js';
import { type Timing, timeOperation } from './time-operation.js';

const OPTIONS = {
  only: { type: 'string', default: null, help: 'operations whose name begins so: governor, timeline, tick, …' },
  rounds: { type: 'integer', default: 9, min: 1, max: 100, help: 'measurements of each operation; the median counts' },
  round_ms: { type: 'integer', default: 100, min: 1, max: 5_000, help: 'the least time of one measurement' },
  ticks: {
    type: 'integer',
    default: 1_000_000,
    min: 0,
    max: 100_000_000,
    help: 'ticks over which the heap is watched, a process a scenario; 0: it is not',
  },
} as const satisfies OptionTable;

const JOURNAL_BYTES = 16 * 1024 ** 3;
/** What an operation may take, ns, by the beginning of its name. */
const TARGETS = { 'governor:': 5_000, 'timeline:': 3_000 } as const;

interface Operation extends Timing {
  readonly target_ns: number | null;
}

export interface MicroResult {
  readonly machine: Machine;
  readonly operations: readonly Operation[];
  readonly allocations: readonly Allocation[];
}

async function measure({ only, rounds, round_ms, ticks }: Values<typeof OPTIONS>): Promise<MicroResult> {
  const wanted = (name: string): boolean => only === null || name.startsWith(only);
  const dir = await mkdtemp(join(tmpdir(), 'sinew-bench-'));
  const journal = await JournalWriter.open({ dir, node: 0, budgetBytes: JOURNAL_BYTES, now: () => Date.now() });
  const timings: Operation[] = [];
  try {
    const operations = {
      ...(await codecOperations()),
      ...controlOperations(),
      ...stageOperations(),
      'journal: append an inference, until written': journalAppends(journal),
    };
    for (const [name, operation] of Object.entries(operations)) {
      if (!wanted(name)) continue;
      progress(name);
      const target = Object.entries(TARGETS).find(([beginning]) => name.startsWith(beginning))?.[1] ?? null;
      timings.push({ ...(await timeOperation(name, operation, rounds, round_ms)), target_ns: target });
    }
  } finally {
    await journal.close();
    await rm(dir, { recursive: true, force: true });
  }
  const allocations: Allocation[] = [];
  for (const name of ticks === 0 ? [] : Object.keys(steadyScenarios())) {
    if (only !== null && !name.includes(only)) continue;
    progress(`heap: ${name}`);
    allocations.push(await measureAllocation(name, ticks));
  }
  return { machine: machine(), operations: timings, allocations };
}

export const micro = defineCommand({
  summary:
    'Single operations of the hot path: codec, control loop and its stages, kinematics, journal; and what a tick allocates.',
  options: OPTIONS,
  measure,
  show: ({ allocations, machine, operations }) => [
    machineLine(machine),
    '',
    ...(operations.length === 0 ? [] : [`${''.padEnd(NAME)}median ns/op       best     target`]),
    ...operations.map(
      ({ name, median_ns, best_ns, target_ns }) =>
        `${name.padEnd(NAME)}${String(median_ns).padStart(12)}${String(best_ns).padStart(11)}${verdict(median_ns, target_ns)}`,
    ),
    ...(allocations.length === 0
      ? []
      : [
          '',
          `${`heap over ${allocations[0]?.ticks.toLocaleString('en')} ticks`.padEnd(NAME)}bytes/tick     growth  µs/tick`,
        ]),
    ...allocations.map(
      ({ allocated_bytes_per_tick, collections, cpu_us_per_tick, growth_bytes, name }) =>
        `${name.padEnd(NAME)}${`${collections > 0 ? '> ' : ''}${allocated_bytes_per_tick.toFixed(2)}`.padStart(10)}${String(growth_bytes).padStart(11)}${cpu_us_per_tick.toFixed(2).padStart(9)}`,
    ),
  ],
});

const NAME = 58;

const verdict = (ns: number, target: number | null): string =>
  target === null ? '' : `${String(target).padStart(11)}${ns <= target ? '' : '  missed'}`;
