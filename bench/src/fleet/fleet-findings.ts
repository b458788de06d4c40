import type { SchedulerOrder } from '@sinew/policy';
import type { Figure, Findings } from '../result.js';
import { round3 } from '../stats/median.js';
import type { ServiceTime } from './service-time.js';
import type { FleetFigures } from './virtual-fleet.js';
import type { Link } from './virtual-link.js';

export const HORIZONS = ['fixed', 'adaptive'] as const;
export type Horizon = (typeof HORIZONS)[number];

/** Means over its rounds, each of episodes, phases and jitter of its own. */
export interface FleetCell extends FleetFigures {
  readonly rounds: readonly FleetFigures[];
  readonly robots: number;
  readonly order: SchedulerOrder;
  readonly horizon: Horizon;
}

export function meanFigures(rounds: readonly FleetFigures[]): FleetFigures {
  const mean = (key: keyof FleetFigures) => rounds.reduce((sum, round) => sum + round[key], 0) / rounds.length;
  const keys = Object.keys(rounds[0] ?? {}) as (keyof FleetFigures)[];
  return Object.fromEntries(keys.map((key) => [key, mean(key)])) as unknown as FleetFigures;
}

export interface FleetResult {
  readonly policy: string;
  readonly service: ServiceTime;
  readonly max_batch: number;
  readonly hz: number;
  readonly seconds: number;
  readonly seed: number;
  readonly link: Link;
  readonly batch_1_ms: number;
  readonly batch_max_ms: number;
  /** How many robots ask, at the policy's own horizon, for what full batches give. */
  readonly saturating_robots: number;
  readonly cells: readonly FleetCell[];
}

/** A fleet that is at least nearly twice as large as what saturates, and the nearest to it. */
export function twiceSaturated({ cells, saturating_robots }: FleetResult): number | null {
  const sizes = [...new Set(cells.map(({ robots }) => robots))].filter((n) => n >= 1.9 * saturating_robots);
  return sizes.length === 0 ? null : Math.min(...sizes);
}

/**
 * The best cell of a fleet's size over order `fifo` with the fixed horizon, and round by round; null where that was not measured. The best
 * of several by chance too: with one round the ratio errs high.
 */
export function bestOverFifoFixed(
  cells: readonly FleetCell[],
  robots: number,
): { ratio: number; rounds: readonly number[]; best: FleetCell } | null {
  const same = cells.filter((cell) => cell.robots === robots);
  const base = same.find(({ order, horizon }) => order === 'fifo' && horizon === 'fixed');
  if (base === undefined || base.successes === 0) return null;
  const best = same.reduce((a, b) => (b.successesPerMinute > a.successesPerMinute ? b : a));
  const rounds = best.rounds.map(
    ({ successesPerMinute }, i) => successesPerMinute / (base.rounds[i]?.successesPerMinute ?? Number.NaN),
  );
  return { ratio: best.successesPerMinute / base.successesPerMinute, rounds, best };
}

export function fleetFindings(result: FleetResult): Findings {
  const { cells } = result;
  const figures: Figure[] = [];
  const twice = twiceSaturated(result);
  const gain = twice === null ? null : bestOverFifoFixed(cells, twice);
  if (twice !== null && gain !== null) {
    figures.push({
      name: 'fleet.twice_saturated.best_over_fifo_fixed',
      label: `successes a minute of ${twice} robots: ${gain.best.order}, ${gain.best.horizon} over fifo, fixed`,
      unit: '×',
      better: 'higher',
      value: round3(gain.ratio),
      rounds: gain.rounds.filter(Number.isFinite).map(round3),
      goal: { op: '>=', value: 1.4 },
    });
  }
  for (const cell of cells) {
    const { robots, order, horizon, rounds, successesPerMinute, successRate } = cell;
    const name = `fleet.${robots}.${order}.${horizon}`;
    const label = `${robots} robots, ${order}, ${horizon}`;
    figures.push(
      {
        name: `${name}.successes_per_minute`,
        label: `${label}: successes`,
        unit: '1/min',
        better: 'higher',
        value: round3(successesPerMinute),
        rounds: rounds.map((round) => round3(round.successesPerMinute)),
      },
      {
        name: `${name}.success_rate`,
        label: `${label}: success`,
        unit: '',
        better: 'higher',
        value: round3(successRate),
        rounds: rounds.map((round) => round3(round.successRate)),
      },
    );
  }
  const lines = (of: (cell: FleetCell) => number) =>
    [...new Set(cells.map(({ order, horizon }) => `${order}, ${horizon}`))].map((label) => ({
      label,
      points: cells
        .filter(({ order, horizon }) => `${order}, ${horizon}` === label)
        .map((cell): [number, number] => [cell.robots, round3(of(cell))]),
    }));
  const x = { label: 'robots', log: true };
  return {
    figures,
    series: [
      {
        name: 'fleet.successes_per_minute',
        title: 'Tasks done a minute against the size of the fleet, at one accelerator',
        x,
        y: { label: 'successful episodes', unit: '1/min' },
        lines: lines(({ successesPerMinute }) => successesPerMinute),
      },
      {
        name: 'fleet.success_rate',
        title: 'Share of episodes that succeed',
        x,
        y: { label: 'success' },
        lines: lines(({ successRate }) => successRate),
      },
    ],
    notes: [
      `${result.saturating_robots.toFixed(0)} robots saturate the modelled accelerator: a batch of 1 takes ${result.batch_1_ms.toFixed(0)} ms, of ${result.max_batch} ${result.batch_max_ms.toFixed(0)} ms`,
    ],
  };
}
