import { expect, test } from 'vitest';
import { bestOverFifoFixed, type FleetCell, fleetFindings, meanFigures, twiceSaturated } from './fleet-findings.js';

const cell = (robots: number, order: FleetCell['order'], horizon: FleetCell['horizon'], perMinute: number) =>
  ({
    robots,
    order,
    horizon,
    successes: perMinute,
    successesPerMinute: perMinute,
    successRate: 1,
    rounds: [0.9, 1.1].map((share) => ({ successesPerMinute: share * perMinute, successRate: 1 })),
  }) as unknown as FleetCell;

const CELLS = [
  cell(32, 'fifo', 'fixed', 600),
  cell(64, 'fifo', 'fixed', 800),
  cell(64, 'slack', 'adaptive', 1_000),
  cell(128, 'fifo', 'fixed', 500),
  cell(128, 'slack', 'adaptive', 1_500),
];
const result = {
  policy: 'p',
  service: { fixedMs: 1, perItemMs: 1, scale: 1 },
  max_batch: 24,
  hz: 10,
  seconds: 30,
  seed: 1,
  link: { delayMs: 0, jitterMs: 0 },
  batch_1_ms: 2,
  batch_max_ms: 25,
  saturating_robots: 31,
  cells: CELLS,
};

test('the gain is told at twice the fleet that saturates, not where it is largest', () => {
  expect(twiceSaturated(result)).toBe(64);
  expect(fleetFindings(result).figures[0]).toMatchObject({
    name: 'fleet.twice_saturated.best_over_fifo_fixed',
    value: 1.25,
    rounds: [1.25, 1.25],
  });
  expect(twiceSaturated({ ...result, saturating_robots: 100 })).toBeNull();
});

test('where fifo with the fixed horizon was not measured there is no gain to tell', () => {
  expect(bestOverFifoFixed(CELLS.slice(2), 64)).toBeNull();
  expect(bestOverFifoFixed(CELLS, 128)).toMatchObject({ ratio: 3 });
});

test('a cell tells the means of its rounds', () => {
  const rounds = [
    { successesPerMinute: 10, successRate: 1 },
    { successesPerMinute: 20, successRate: 0.5 },
  ] as FleetCell[];
  expect(meanFigures(rounds)).toEqual({ successesPerMinute: 15, successRate: 0.75 });
});
