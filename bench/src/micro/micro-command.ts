import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { OptionTable, Values } from '@sinew/config';
import { JournalWriter } from '@sinew/journal';
import { BenchError, defineCommand, progress } from '../command.js';
import { journalRate } from '../data/journal-rate.js';
import { type Machine, machine, machineLine } from '../machine.js';
import { median } from '../stats/median.js';
import { type Allocation, measureAllocation } from './allocation.js';
import { codecOperations } from './codec-operations.js';
import { controlOperations } from './control-operations.js';
import { authenticationOfUpgrade, gatesOfObservation } from './gate-calls.js';
import { journalAppends } from './journal-operation.js';
import { microFindings } from './micro-findings.js';
import { stageOperations } from './stage-operations.js';
import { steadyScenarios } from './steady-scenarios.js';
import { type Spread, type TimedCall, timeEach } from './time-each.js';
import { type Operation as Repeated, type Timing, timeOperation } from './time-operation.js';

/** What `--only` may name; `heap` is what a tick leaves behind. */
const PARTS = [
  'gates',
  'auth',
  'codec',
  'tick',
  'governor',
  'timeline',
  'smoothing',
  'kinematics',
  'journal',
  'heap',
] as const;
type Part = (typeof PARTS)[number];

const OPTIONS = {
  only: { type: 'string', default: null, help: `parts, separated by commas: ${PARTS.join(', ')}; not given: all` },
  rounds: { type: 'integer', default: 9, min: 1, max: 100, help: 'measurements of each operation; the median counts' },
  round_ms: { type: 'integer', default: 100, min: 1, max: 5_000, help: 'the least time of one measurement' },
  samples: {
    type: 'integer',
    default: 200_000,
    min: 1_000,
    max: 10_000_000,
    help: 'single calls of which percentiles are told',
  },
  ticks: {
    type: 'integer',
    default: 1_000_000,
    min: 0,
    max: 100_000_000,
    help: 'ticks over which the heap is watched, a process a scenario; 0: it is not',
  },
} as const satisfies OptionTable;

const JOURNAL_BYTES = 16 * 1024 ** 3;
/** What an operation may take, ns, by its part. */
const TARGETS: Partial<Record<Part, number>> = { governor: 5_000, timeline: 3_000 };

interface Operation extends Timing {
  readonly target_ns: number | null;
}

interface Call extends Spread {
  readonly target_p99_us: number | null;
}

export interface MicroResult {
  readonly machine: Machine;
  readonly calls: readonly Call[];
  readonly operations: readonly Operation[];
  readonly allocations: readonly Allocation[];
}

async function measure({ only, rounds, round_ms, samples, ticks }: Values<typeof OPTIONS>): Promise<MicroResult> {
  const wanted = partsOf(only);
  const calls: Call[] = [];
  const call = async <T>(
    name: string,
    targetUs: number | null,
    timed: TimedCall<T>,
    count = samples,
  ): Promise<void> => {
    progress(name);
    calls.push({ ...(await timeEach(name, timed, count)), target_p99_us: targetUs });
  };
  if (wanted.has('gates')) {
    await call('quality gates on one observation', 20, await gatesOfObservation(false));
    // Its words are read once a change, not once an observation.
    await call('the same with an instruction that is new', null, await gatesOfObservation(true), samples / 20);
  }
  if (wanted.has('auth')) await call('authentication of an upgrade, cached', 1_000, authenticationOfUpgrade());
  const operations: Operation[] = [];
  const time = async (part: Part, repeated: Readonly<Record<string, Repeated>>): Promise<void> => {
    for (const [name, operation] of Object.entries(repeated)) {
      progress(name);
      const timing = await timeOperation(name, operation, rounds, round_ms);
      operations.push({ ...timing, target_ns: TARGETS[part] ?? null });
    }
  };
  if (wanted.has('codec')) await time('codec', await codecOperations());
  if (wanted.has('tick')) await time('tick', controlOperations());
  const stages = Object.entries(stageOperations());
  for (const part of ['governor', 'timeline', 'smoothing', 'kinematics'] as const) {
    if (!wanted.has(part)) continue;
    await time(part, Object.fromEntries(stages.filter(([name]) => name.startsWith(`${part}:`))));
  }
  if (wanted.has('journal')) {
    await withJournal((journal) => time('journal', { [APPEND]: journalAppends(journal) }));
    progress(STREAM);
    operations.push({ ...(await streamOfAppends(rounds)), target_ns: STREAM_TARGET_NS });
  }
  const allocations: Allocation[] = [];
  for (const name of wanted.has('heap') && ticks > 0 ? Object.keys(steadyScenarios()) : []) {
    progress(`heap: ${name}`);
    allocations.push(await measureAllocation(name, ticks));
  }
  return { machine: machine(), calls, operations, allocations };
}

const APPEND = 'journal: append an inference, until written';
const STREAM = 'journal: append an inference of 1 KB, in a stream';
/** 50,000 a second. */
const STREAM_TARGET_NS = 20_000;
const STREAM_RECORDS = 50_000;

/** As `data` measures it: with a thread of its own and an fsync every 50 ms, never waiting for one record by itself. */
async function streamOfAppends(rounds: number): Promise<Timing> {
  const rounds_ns: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const { written_per_s } = await journalRate(STREAM_RECORDS, 50);
    rounds_ns.push(Math.round(1e9 / written_per_s));
  }
  return {
    name: STREAM,
    median_ns: Math.round(median(rounds_ns)),
    best_ns: Math.min(...rounds_ns),
    rounds_ns,
    operations: STREAM_RECORDS,
  };
}

async function withJournal(use: (journal: JournalWriter) => Promise<void>): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'sinew-bench-'));
  const journal = await JournalWriter.open({ dir, node: 0, budgetBytes: JOURNAL_BYTES, now: () => Date.now() });
  try {
    await use(journal);
  } finally {
    await journal.close();
    await rm(dir, { recursive: true, force: true });
  }
}

function partsOf(only: string | null): ReadonlySet<string> {
  if (only === null) return new Set(PARTS);
  const names = only.split(',').map((name) => name.trim());
  const known: readonly string[] = PARTS;
  const unknown = names.filter((name) => !known.includes(name));
  if (unknown.length > 0)
    throw new BenchError(`--only: there is no part "${unknown[0]}"; there are ${PARTS.join(', ')}`);
  return new Set(names);
}

export const micro = defineCommand({
  summary:
    'Single operations of the hot path: gates, authentication, codec, control loop and its stages, kinematics, journal; and what a tick allocates.',
  options: OPTIONS,
  measure,
  findings: microFindings,
  show: ({ allocations, calls, machine, operations }) => [
    machineLine(machine),
    '',
    ...(calls.length === 0
      ? []
      : [`${'each call by itself, µs'.padEnd(NAME)}         p50        p99        max     target of p99`]),
    ...calls.map(
      ({ max_us, name, p50_us, p99_us, target_p99_us }) =>
        `${name.padEnd(NAME)}${p50_us.toFixed(2).padStart(12)}${p99_us.toFixed(2).padStart(11)}${max_us.toFixed(0).padStart(11)}${verdict(p99_us, target_p99_us)}`,
    ),
    ...(calls.length === 0 ? [] : ['']),
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
