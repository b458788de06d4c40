import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { OptionTable, Values } from '@sinew/config';
import { BUILT_IN_BUNDLES, createOnnxBackend, loadBundle, SCHEDULER_ORDERS, type SchedulerOrder } from '@sinew/policy';
import { BenchError, defineCommand, progress } from '../command.js';
import {
  type FleetCell,
  type FleetResult,
  fleetFindings,
  HORIZONS,
  type Horizon,
  meanFigures,
} from './fleet-findings.js';
import { fleetTable } from './fleet-table.js';
import { PUBLISHED, saturatingRobots, serviceMs } from './service-time.js';
import { type FleetFigures, runVirtualFleet } from './virtual-fleet.js';

const OPTIONS = {
  robots: { type: 'list', default: ['8', '16', '32', '64', '128'], help: 'sizes of the fleet' },
  orders: { type: 'list', default: [...SCHEDULER_ORDERS], help: `of ${SCHEDULER_ORDERS.join(', ')}` },
  horizons: { type: 'list', default: [...HORIZONS], help: `of ${HORIZONS.join(', ')}` },
  policy: { type: 'string', default: 'tabletop-v1', help: 'a bundle of the project, or the path of one' },
  service_fixed_ms: {
    type: 'number',
    default: PUBLISHED.fixedMs,
    min: 0,
    help: 'what a batch costs, whatever its size',
  },
  service_item_ms: { type: 'number', default: PUBLISHED.perItemMs, min: 0, help: 'what each observation of it costs' },
  service_scale: {
    type: 'number',
    default: 8,
    min: 0.01,
    help: 'times both; 1: the published accelerator, which fleets of this size do not fill',
  },
  batch_max: { type: 'integer', default: 24, min: 1, max: 1_024, help: 'most observations in one batch' },
  depth: {
    type: 'integer',
    default: 1,
    min: 1,
    max: 2,
    help: 'batches with the accelerator: 2, as with images to decode',
  },
  hz: { type: 'number', default: 10, min: 1, max: 100, help: 'control rate' },
  delay_ms: { type: 'number', default: 5, min: 0, max: 1_000, help: 'of the link, each way' },
  jitter_ms: { type: 'number', default: 5, min: 0, max: 1_000, help: 'up to so much more' },
  warm_up: { type: 'number', default: 10, min: 0, help: 'virtual seconds before counting begins' },
  seconds: { type: 'number', default: 30, min: 1, help: 'virtual seconds that are counted' },
  rounds: { type: 'integer', default: 1, min: 1, max: 100, help: 'of each cell, each with a seed of its own' },
  seed: { type: 'integer', default: 40_000_000, min: 0, max: 2 ** 31 - 1, help: 'of episodes, phases and jitter' },
} as const satisfies OptionTable;

/** More than a round has episodes. */
const SEEDS_A_ROUND = 1_000_000;

async function measure(options: Values<typeof OPTIONS>): Promise<FleetResult> {
  const sizes = options.robots.map(sizeOf);
  const orders = options.orders.map(orderOf);
  const horizons = options.horizons.map(horizonOf);
  const builtIn = join(BUILT_IN_BUNDLES, options.policy);
  const bundle = await loadBundle(existsSync(builtIn) ? builtIn : options.policy);
  const policy = createOnnxBackend({ bundle, threads: 1 });
  await policy.start();
  const { batch_max: maxBatch, hz, seconds, seed, depth } = options;
  const service = {
    fixedMs: options.service_fixed_ms,
    perItemMs: options.service_item_ms,
    scale: options.service_scale,
  };
  const link = { delayMs: options.delay_ms, jitterMs: options.jitter_ms };
  const cells: FleetCell[] = [];
  try {
    for (const robots of sizes) {
      for (const horizon of horizons) {
        for (const order of orders) {
          const run = { bundle, policy, robots, order, horizon, service, maxBatch, depth, link, hz, seconds };
          const beganMs = performance.now();
          const rounds: FleetFigures[] = [];
          while (rounds.length < options.rounds) {
            const own = (seed + rounds.length * SEEDS_A_ROUND) % 2 ** 31;
            rounds.push(await runVirtualFleet({ ...run, seed: own, warmUpS: options.warm_up }));
          }
          const figures = meanFigures(rounds);
          cells.push({ robots, order, horizon, ...figures, rounds });
          const wallS = ((performance.now() - beganMs) / 1_000).toFixed(0);
          progress(
            `${robots} robots, ${order}, ${horizon}: ${figures.successesPerMinute.toFixed(0)} successes a minute (took ${wallS} s)`,
          );
        }
      }
    }
  } finally {
    await policy.close();
  }
  return {
    policy: bundle.manifest.id,
    service,
    max_batch: maxBatch,
    hz,
    seconds,
    seed,
    link,
    batch_1_ms: serviceMs(service, 1),
    batch_max_ms: serviceMs(service, maxBatch),
    saturating_robots: saturatingRobots(service, maxBatch, hz, bundle.execute),
    cells,
  };
}

function sizeOf(text: string): number {
  const robots = Number(text);
  if (!Number.isInteger(robots) || robots < 1 || robots > 2_000)
    throw new BenchError(`--robots: ${text} is not 1 to 2000`);
  return robots;
}

function orderOf(name: string): SchedulerOrder {
  const found = SCHEDULER_ORDERS.find((order) => order === name);
  if (found === undefined) throw new BenchError(`--orders: there is no ${name}`);
  return found;
}

function horizonOf(name: string): Horizon {
  const found = HORIZONS.find((horizon) => horizon === name);
  if (found === undefined) throw new BenchError(`--horizons: there is no ${name}`);
  return found;
}

export const fleet = defineCommand({
  summary:
    'Simulated robots at their tasks against one modelled accelerator, under a virtual clock: what they finish a minute.',
  options: OPTIONS,
  measure,
  findings: fleetFindings,
  show: fleetTable,
});
