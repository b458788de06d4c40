import fc from 'fast-check';
import { expect, test } from 'vitest';
import { classOfRobots, frameClasses, rampOption, stormOption } from './option-texts.js';
import { knee, type RampStep, rampSteps } from './ramp.js';

test('one size, or a mix whose shares make one', () => {
  expect(frameClasses('20')).toEqual([{ kb: 20, share: 1 }]);
  expect(frameClasses('2:0.5,20:0.4,300:0.1')).toHaveLength(3);
  for (const wrong of ['', '1', 'x', '2:0.5', '2:0.5,20:0.6', '2:-1,20:2', '2:0.5:1,20:0.5']) {
    expect(() => frameClasses(wrong), wrong).toThrow('--frame-kb');
  }
});

test('every size gets its share of the robots, to one robot, wherever they are cut off', () => {
  const shares = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(shares, fc.integer({ min: 1, max: 60 }), (parts, robots) => {
      const sum = parts.reduce((total, part) => total + part, 0);
      const of = classOfRobots(
        parts.map((part) => ({ kb: 2, share: part / sum })),
        robots,
      );
      parts.forEach((part, i) => {
        const count = of.filter((each) => each === i).length;
        expect(Math.abs(count - (robots * part) / sum)).toBeLessThan(parts.length);
      });
    }),
  );
});

test('storms and ramps say what they mean, or are refused', () => {
  expect(stormOption('5,0.5')).toEqual({ everyMs: 5_000, share: 0.5 });
  for (const wrong of ['5', '0,1', '5,0', '5,2', 'a,b'])
    expect(() => stormOption(wrong), wrong).toThrow('EVERY_S,SHARE');
  expect(rampOption('50:800:60')).toEqual({ from: 50, to: 800, seconds: 60 });
  for (const wrong of ['50', '50:50:60', '800:50:60', '1:2:3', '1.5:9:60']) {
    expect(() => rampOption(wrong), wrong).toThrow('FROM:TO:SECONDS');
  }
});

test('a ramp goes from its first number to its last in even steps', () => {
  expect(rampSteps({ from: 100, to: 800, seconds: 80 })).toEqual({
    robots: [100, 200, 300, 400, 500, 600, 700, 800],
    stepMs: 10_000,
  });
  expect(rampSteps({ from: 1, to: 2, seconds: 60 }).robots).toEqual([1, 2]);
});

test('the knee is the most robots that stayed within bounds, also behind a step that did not', () => {
  const step = (robots: number, missed_share: number, jitter_p99_ms: number): RampStep => ({
    robots,
    missed_share,
    jitter_p99_ms,
    age_p99_ms: 100,
    usable_p99_ms: null,
    gateway_cores: null,
    send_lag_p99_ms: null,
  });
  expect(knee([step(1, 0, 1), step(2, 0, 24), step(3, 0, 26)], 10)).toBe(2);
  expect(knee([step(1, 0, 1), step(2, 0, 26), step(3, 0, 1), step(4, 0.2, 90)], 10)).toBe(3);
  expect(knee([step(1, 0, 1), step(2, 0.002, 1)], 10)).toBe(1);
  expect(knee([step(1, 0.5, 1)], 10)).toBeNull();
  // A fleet that hears nothing, or a bench that is late by more than a period, shows no capacity.
  expect(knee([step(1, 0, 1), { ...step(2, 0, 1), age_p99_ms: null }], 10)).toBe(1);
  expect(knee([step(1, 0, 1), { ...step(2, 0, 1), send_lag_p99_ms: 150 }], 10)).toBe(1);
});
