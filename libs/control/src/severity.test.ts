import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FLAG } from './flags.js';
import { SEVERITIES, VIOLATION_FLAGS, Violation, worstViolation } from './severity.js';

const { policy_dynamics, policy_workspace, policy_collision, rejected, not_finite, drift, emergency } = FLAG;

function judged(flags: number, score: number) {
  const out = new Violation();
  if (!worstViolation(flags, score, out)) return null;
  return { type: out.type, severity: SEVERITIES[out.severity], excess: out.excess };
}

describe('severity', () => {
  it.each([
    ['nothing', 0, 1, null],
    ['what the governor changed', FLAG.velocity | FLAG.jerk | FLAG.gripper, 1, null],
    ['up to twice a speed limit', policy_dynamics, 1 - 0.25 * 0.99, null],
    ['twice a speed limit or more', policy_dynamics, 0.75, ['dynamics', 'low', 1]],
    ['a little outside the box', policy_workspace, 1 - 0.4 * 0.25, ['workspace', 'low', 0.25]],
    ['outside the box', policy_workspace, 1 - 0.4 * 0.5, ['workspace', 'medium', 0.5]],
    ['so far outside that it is refused', policy_workspace | rejected, 1 - 0.4 * 0.8, ['workspace', 'high', 0.8]],
    ['a little beyond reach', policy_collision, 0.9, ['collision', 'medium', 0.1]],
    ['so far beyond reach that it is refused', policy_collision | rejected, 0.5, ['collision', 'high', 0.5]],
    ['into a keep-out', policy_collision | rejected, 0, ['collision', 'critical', 1]],
    ['a measured pose far from the commanded one', drift, 1, ['drift', 'medium', Number.NaN]],
    ['braking beyond limits to stay in the box', emergency, 1, ['emergency', 'high', Number.NaN]],
    ['not a number', not_finite | rejected, 0, ['not_finite', 'high', Number.NaN]],
    ['of the wrong length or no plausible step', rejected, 0, ['implausible', 'high', Number.NaN]],
    ['several: the most severe', drift | policy_collision | rejected, 0, ['collision', 'critical', 1]],
    [
      'equally severe: the more telling',
      emergency | policy_collision | rejected,
      0.5,
      ['emergency', 'high', Number.NaN],
    ],
  ] as const)('[R1] of %s', (_what, flags, score, expected) => {
    const found = judged(flags, score);
    if (expected === null) return expect(found).toBeNull();
    expect(found).toMatchObject({ type: expected[0], severity: expected[1] });
    if (!Number.isNaN(expected[2])) expect(found?.excess).toBeCloseTo(expected[2]);
    else expect(found?.excess).toBeNaN();
  });

  it('[R1] is found only where VIOLATION_FLAGS are, and never grows with the score', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 2 ** 17 - 1 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (flags, a, b) => {
          const [worse, better] = a < b ? [a, b] : [b, a];
          const out = new Violation();
          const other = new Violation();
          const found = worstViolation(flags, worse, out);
          if (found) expect(flags & VIOLATION_FLAGS).not.toBe(0);
          if (worstViolation(flags, better, other)) expect(out.severity).toBeGreaterThanOrEqual(other.severity);
          if (!Number.isNaN(out.excess)) expect(out.excess >= 0 && out.excess <= 1).toBe(true);
        },
      ),
    );
  });
});
