import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type OptionTable, SETTINGS, type Values } from '@sinew/config';
import {
  BUILT_IN_BUNDLES,
  type Bundle,
  createOnnxBackend,
  loadBundle,
  measureBareGraph,
  type PolicyInput,
  Scheduler,
} from '@sinew/policy';
import type { WireImage } from '@sinew/protocol';
import { defineCommand, progress } from '../command.js';
import { gradient } from '../load/camera-image.js';
import { type Machine, machine, machineLine } from '../machine.js';
import type { Findings } from '../result.js';
import { median } from '../stats/median.js';
import { wideBundle } from '../wide/wide-bundle.js';
import { compareRates, medianRatios, type Round, speed } from './compare-rates.js';
import { saturate } from './saturate.js';

const WIDE_CACHE = join(tmpdir(), 'sinew-bench-cache');

const OPTIONS = {
  policy: {
    type: 'string',
    default: 'tabletop-v1',
    help: 'a bundle of the project, `wide` (the memory-bound graph of `peers`), or the path of a bundle',
  },
  threads: {
    type: 'integer',
    default: SETTINGS.policy_threads.default,
    min: 1,
    help: 'inference threads, on both sides',
  },
  batch: {
    type: 'integer',
    default: 0,
    min: 0,
    help: 'batch size on both sides; 0: the bundle’s largest, against the graph at whichever size suits it best',
  },
  rounds: { type: 'integer', default: 5, min: 1, max: 50, help: 'how often both are measured in turn' },
  seconds: { type: 'number', default: 2, min: 0.5, max: 30, help: 'of each measurement' },
} as const satisfies OptionTable;

export interface BatchResult {
  readonly machine: Machine;
  readonly policy: string;
  readonly threads: number;
  readonly batch: number;
  /** At which the bare graph does the most: what it is run at. */
  readonly bare_batch: number;
  readonly sessions: number;
  readonly rounds: readonly Round[];
  readonly cpu_ratio: number | null;
  readonly wall_ratio: number;
}

async function measure(options: Values<typeof OPTIONS>): Promise<BatchResult> {
  const { threads, seconds, policy } = options;
  const bundle = await loadBundle(await folderOf(policy));
  const backend = createOnnxBackend({ bundle, threads, intraOp: 1, maxBatch: options.batch });
  await backend.start();
  const scheduler = new Scheduler({ backend, now: () => performance.now() });
  const batch = backend.maxBatch;
  // Every worker full, one batch ahead of each, and as many waiting.
  const sessions = batch * threads * (backend.depth + 2);
  const input = frameOf(bundle);
  const ms = seconds * 1_000;
  const rounds: Round[] = [];
  try {
    const bareBatch = options.batch > 0 ? batch : await bestBatch(bundle, threads, batch);
    for (let round = 1; round <= options.rounds; round++) {
      progress(`round ${round} of ${options.rounds}`);
      const bare = await measureBareGraph({ bundle, threads, batch: bareBatch, ms });
      const served = await saturate(scheduler, backend, input, sessions, ms);
      rounds.push(compareRates(bare, served));
    }
    const { id } = bundle.manifest;
    const sizes = { batch, bare_batch: bareBatch };
    return { machine: machine(), policy: id, threads, ...sizes, sessions, rounds, ...medianRatios(rounds) };
  } finally {
    scheduler.close();
    await backend.close();
  }
}

async function folderOf(policy: string): Promise<string> {
  if (policy === 'wide') return await wideBundle(WIDE_CACHE);
  const builtIn = join(BUILT_IN_BUNDLES, policy);
  return existsSync(builtIn) ? builtIn : policy;
}

const TRIALS = 3;
const TRIAL_MS = 400;

/** The power of two, up to the bundle's largest batch, at which the bare graph does the most a second of CPU time. */
async function bestBatch(bundle: Bundle, threads: number, largest: number): Promise<number> {
  const sizes: number[] = [];
  for (let size = 1; size < largest; size *= 2) sizes.push(size);
  sizes.push(largest);
  const rates = new Map(sizes.map((size): [number, number[]] => [size, []]));
  progress(`the graph at ${sizes.join(', ')}`);
  for (let trial = 0; trial < TRIALS; trial++) {
    for (const size of sizes) {
      const { per_cpu_s, per_wall_s } = speed(await measureBareGraph({ bundle, threads, batch: size, ms: TRIAL_MS }));
      rates.get(size)?.push(per_cpu_s ?? per_wall_s);
    }
  }
  const [best] = [...rates].sort(([, a], [, b]) => median(b) - median(a));
  return best?.[0] ?? largest;
}

/** `rgb8` in the policy's own size: no decoding, on neither side. */
function frameOf({ manifest }: Bundle): PolicyInput {
  const images: Record<string, WireImage> = {};
  for (const { name, width, height } of manifest.inputs.cameras) {
    images[name] = { kind: 'rgb8', data: gradient(width, height), width, height };
  }
  return { images, state: new Float64Array(manifest.inputs.state.dim), instruction: 'pick up the red cube' };
}

export const batch = defineCommand({
  summary: 'Scheduler and policy workers at saturation, against the bare graph in the same run.',
  options: OPTIONS,
  measure,
  findings,
  show: (result) => [
    machineLine(result.machine),
    `${result.policy}: batches of ${result.batch} against the bare graph's best, ${result.bare_batch}; ${result.threads} thread(s), ${result.sessions} sessions, rgb8 frames`,
    '',
    'inferences/s        bare: per CPU s   per wall s    served: per CPU s   per wall s    ratio: CPU    wall',
    ...result.rounds.map(({ bare, served, cpu_ratio, wall_ratio }, i) =>
      [
        `  round ${i + 1}`.padEnd(20),
        cell(bare.per_cpu_s, 15),
        cell(bare.per_wall_s, 13),
        cell(served.per_cpu_s, 21),
        cell(served.per_wall_s, 13),
        cell(cpu_ratio, 14),
        cell(wall_ratio, 8),
      ].join(''),
    ),
    '',
    `median ratio: ${result.cpu_ratio ?? '–'} by CPU time, ${result.wall_ratio} by wall time`,
  ],
});

const RATIO_GOAL = { op: '>=', value: 0.95 } as const;

function findings({ policy, batch: size, bare_batch, rounds, cpu_ratio, wall_ratio }: BatchResult): Findings {
  const name = (of: string) => `batch.${policy}.${of}`;
  const told = <T>(values: readonly (T | null)[]): T[] => values.filter((value) => value !== null);
  const cpuRounds = told(rounds.map((round) => round.cpu_ratio));
  const served = rounds.map((round) => round.served.per_wall_s);
  return {
    figures: [
      ...(cpu_ratio === null
        ? []
        : [
            {
              name: name('cpu_ratio'),
              label: `served in batches of ${size} over bare in batches of ${bare_batch}, by CPU time`,
              unit: '×',
              better: 'higher' as const,
              value: cpu_ratio,
              rounds: cpuRounds,
            },
          ]),
      {
        name: name('wall_ratio'),
        label: 'served over bare by wall time',
        unit: '×',
        better: 'higher',
        value: wall_ratio,
        rounds: rounds.map((round) => round.wall_ratio),
        goal: RATIO_GOAL,
      },
      {
        name: name('served_per_s'),
        label: 'inferences served',
        unit: '/s',
        better: 'higher',
        value: median(served),
        rounds: served,
      },
    ],
  };
}

const cell = (value: number | null, width: number): string => String(value ?? '–').padStart(width);
