import { expect, test } from 'vitest';
import { figureTable } from './figure-table.js';
import { processorTime } from './machine.js';
import { type BenchResult, isMet, parseResults } from './result.js';

const RESULT: BenchResult = {
  bench: 'load',
  format: 1,
  at: '2026-11-21T12:00:00.000Z',
  command: 'npm run bench -- load',
  machine: { date: '2026-11-21', cpu: 'a processor', cores: 2, node: 'v20', system: 'linux 6', steal_share: null },
  load_average: [1, 2, 3],
  duration_s: 20,
  figures: [
    { name: 'load.age.p99_ms', label: 'age', unit: 'ms', better: 'lower', value: 5, goal: { op: '<=', value: 4 } },
    { name: 'load.rate', label: 'rate', unit: '/s', better: 'higher', value: 2, rounds: [1, 2, 3] },
  ],
};

test('every line of a file that is an object is a result; what npm says before it is not', () => {
  const line = JSON.stringify(RESULT);
  const read = parseResults(`\n> sinew@0.1.0 bench\n> exec node bench.js\n\n${line}\n${line}\n`);
  expect(read).toEqual({ ok: true, results: [RESULT, RESULT] });
});

test('what is not a result is refused with its line and field', () => {
  expect(parseResults('')).toMatchObject({ ok: false, reason: expect.stringContaining('--json') });
  expect(parseResults('\n{"a":')).toMatchObject({ ok: false, reason: expect.stringContaining('line 2') });
  const { figures: _, ...rest } = RESULT;
  expect(parseResults(JSON.stringify(rest))).toMatchObject({ ok: false, reason: expect.stringContaining('figures') });
  expect(parseResults(JSON.stringify({ ...RESULT, format: 2 }))).toMatchObject({ ok: false });
});

test('a goal is met at its bound', () => {
  expect([3, 4, 5].map((value) => isMet({ op: '<=', value: 4 }, value))).toEqual([true, true, false]);
  expect([3, 4, 5].map((value) => isMet({ op: '>=', value: 4 }, value))).toEqual([false, true, true]);
});

test('the table names a goal that was missed, and what a figure varied by', () => {
  const [, first, second] = figureTable(RESULT.figures);
  expect(first).toMatch(/^age +5 +ms +≤ 4 MISSED$/);
  expect(second).toMatch(/^rate +2 +\/s +1 to 3 \(3\)$/);
});

test('processor time of /proc/stat: waiting for a disk is idle, and guests are not counted twice', () => {
  const stat = 'cpu  10 1 5 70 4 1 2 7 3 3\ncpu0 1 1 1 1 1 1 1 1 1 1\n';
  expect(processorTime(stat)).toEqual({ total: 100, idle: 74, steal: 7 });
  expect(processorTime('')).toBeNull();
});
