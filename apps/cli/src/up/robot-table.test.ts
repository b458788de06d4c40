import type { RobotStatus } from '@sinew/simulator';
import { expect, it } from 'vitest';
import { robotSummary, robotTable } from './robot-table.js';

const row = (robot: string, more: Partial<RobotStatus> = {}): RobotStatus => ({
  robot,
  task: 'put the red cube in the bowl',
  hz: 10,
  age_p50_ms: 41.4,
  age_p99_ms: 73.6,
  holds: 2,
  clamped: 5,
  episodes: 8,
  successes: 7,
  ...more,
});

it('shows one line a robot, figures aligned to the right', () => {
  expect(robotTable([row('sim-1'), row('sim-12', { holds: 130, episodes: 0, successes: 0 })], 100, 20)).toEqual([
    'robot   task                            Hz  age p50    p99  holds  clamped  episodes  success',
    'sim-1   put the red cube in the bowl  10.0    41 ms  74 ms      2        5         8     88 %',
    'sim-12  put the red cube in the bowl  10.0    41 ms  74 ms    130        5         0        –',
  ]);
});

it('stays within the terminal: the task is shortened, robots beyond its height are counted', () => {
  const lines = robotTable(
    Array.from({ length: 30 }, (_, i) => row(`sim-${i}`)),
    72,
    10,
  );
  expect(lines).toHaveLength(10);
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(72);
  expect(lines[1]).toContain('put the…  10.0');
  expect(lines.at(-1)).toBe('… and 22 more');
});

it('sums up in one line: the worst p99, the median p50', () => {
  expect(robotSummary([])).toBe('no robots yet');
  expect(robotSummary([row('a'), row('b', { age_p50_ms: 60, age_p99_ms: 120, hz: 9 })])).toBe(
    '2 robots at 9.5 Hz · action age p50 60 ms p99 120 ms · holds 4 · clamped 10 · episodes 16 · success 88 %',
  );
  expect(robotSummary([row('a', { age_p50_ms: Number.NaN, age_p99_ms: Number.NaN })])).toContain('p50 – p99 –');
});
