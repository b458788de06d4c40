import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SendSchedule } from './send-schedule.js';

interface Send {
  robot: number;
  seq: number;
  intendedMs: number;
}

function advance(schedule: SendSchedule, nowMs: number): Send[] {
  const sends: Send[] = [];
  schedule.advance(nowMs, (robot, seq, intendedMs) => sends.push({ robot, seq, intendedMs }));
  return sends;
}

test('robots send in turn, each at its own phase of one period', () => {
  const schedule = new SendSchedule(1_000, 4, 10);
  expect(advance(schedule, 1_125)).toEqual([
    { robot: 0, seq: 0, intendedMs: 1_000 },
    { robot: 1, seq: 0, intendedMs: 1_025 },
    { robot: 2, seq: 0, intendedMs: 1_050 },
    { robot: 3, seq: 0, intendedMs: 1_075 },
    { robot: 0, seq: 1, intendedMs: 1_100 },
    { robot: 1, seq: 1, intendedMs: 1_125 },
  ]);
  expect(schedule.nextDueMs()).toBe(1_150);
});

test('a sender that stalled sends everything it owes, at the times that were intended', () => {
  const steady = new SendSchedule(0, 7, 20);
  const stalled = new SendSchedule(0, 7, 20);
  const sent = Array.from({ length: 500 }, (_, ms) => advance(steady, ms)).flat();
  expect(advance(stalled, 499)).toEqual(sent);
});

test('every robot sends every observation once, exactly one period after the one before', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 1, max: 100 }), (robots, hz) => {
      const schedule = new SendSchedule(0, robots, hz);
      const sends = advance(schedule, 1_999.999);
      const next = new Array<number>(robots).fill(0);
      const faults = sends.filter(({ robot, seq, intendedMs }) => {
        const dueMs = ((seq + robot / robots) * 1_000) / hz;
        const off = Math.abs(intendedMs - dueMs) + Math.abs(schedule.intendedMs(robot, seq) - dueMs);
        return seq !== next[robot]!++ || off > 1e-6;
      });
      expect(faults).toEqual([]);
      for (const sent of next) expect(Math.abs(sent - 2 * hz)).toBeLessThanOrEqual(1);
    }),
  );
});
