import { describe, expect, it } from 'vitest';
import type { TickResult } from './control-io.js';
import { ControlLoop } from './control-loop.js';
import { FLAG } from './flags.js';
import { INCIDENT_QUIET_MS, IncidentTracker } from './incident-tracker.js';
import { chunk, constantChunk, tabletopSpec } from './testing/kit.js';

function result(over: Partial<TickResult> = {}): TickResult {
  return {
    kind: 'action',
    reason: null,
    values: Float64Array.of(0.01, 1),
    proposed: Float64Array.of(0.02, 1),
    ref: 77,
    baseTick: 0,
    score: 1,
    checksPassed: 4,
    flags: 0,
    clamped: false,
    ...over,
  };
}

const workspace = (excess: number, more: Partial<TickResult> = {}) =>
  result({ flags: FLAG.policy_workspace, score: 1 - 0.4 * excess, ...more });

describe('an incident', () => {
  it('[R2] opens at the first violation and closes after five seconds without one', () => {
    const tracker = new IncidentTracker(2);
    expect(tracker.tick(1_000, 10, workspace(0.1))).toBe('opened');
    expect(tracker.tick(1_100, 11, workspace(0.1))).toBeNull();
    expect(tracker.settle(1_100 + INCIDENT_QUIET_MS - 1)).toBeNull();
    expect(tracker.settle(1_100 + INCIDENT_QUIET_MS)).toMatchObject({
      openedMs: 1_000,
      lastMs: 1_100,
      severity: 'low',
      type: 'workspace',
      ticks: 2,
      refusals: 0,
    });
    expect(tracker.settle(99_999)).toBeNull();
    expect(tracker.tick(99_999, 900, workspace(0.1))).toBe('opened');
  });

  it('[R2] keeps the worst moment: its tick, excess, log, proposed and sent action', () => {
    const tracker = new IncidentTracker(2);
    tracker.tick(0, 1, workspace(0.1));
    const worst = workspace(0.2, {
      ref: 99,
      proposed: Float64Array.of(0.5, 0),
      values: Float64Array.of(0.1, 0),
      clamped: true,
    });
    expect(tracker.tick(100, 2, worst)).toBeNull();
    worst.values.fill(9);
    expect(tracker.tick(200, 3, workspace(0.15))).toBeNull();
    expect(tracker.end()?.worst).toMatchObject({
      tick: 2,
      ref: 99,
      proposed: [0.5, 0],
      sent: [0.1, 0],
      action: 'clamped',
    });
  });

  it('[R2] says when it gets more severe, and names every type that was seen', () => {
    const tracker = new IncidentTracker(2);
    expect(tracker.tick(0, 1, result({ flags: FLAG.policy_dynamics, score: 0.75 }))).toBe('opened');
    expect(tracker.tick(1, 2, result({ flags: FLAG.drift }))).toBe('worse');
    expect(tracker.tick(2, 3, result({ flags: FLAG.emergency, kind: 'hold', reason: 'safety' }))).toBe('worse');
    expect(tracker.tick(3, 4, workspace(0.1))).toBeNull();
    expect(tracker.current()).toMatchObject({
      severity: 'high',
      type: 'emergency',
      types: ['dynamics', 'workspace', 'drift', 'emergency'],
      ticks: 4,
      worst: { action: 'held', excess: null },
    });
  });

  it('[R2] of a refused chunk shows its entry, and what the next tick sent instead', () => {
    const tracker = new IncidentTracker(2);
    const actions = Float32Array.of(1, 2, 3, 4);
    const refused = { flags: FLAG.policy_collision, score: 0, ref: 5, actions, row: 1 };
    expect(tracker.refused(50, 8, refused)).toBe('opened');
    expect(tracker.current()).toMatchObject({
      severity: 'critical',
      ticks: 0,
      refusals: 1,
      worst: { tick: 8, proposed: [3, 4], sent: null, ref: 5, action: 'refused' },
    });
    expect(tracker.watches(0)).toBe(true);
    expect(tracker.tick(60, 8, result({ kind: 'hold', reason: 'safety', values: Float64Array.of(0, 1) }))).toBeNull();
    expect(tracker.watches(0)).toBe(false);
    expect(tracker.end()).toMatchObject({ ticks: 0, worst: { sent: [0, 1], action: 'refused' } });
  });

  it('[R2] of a chunk that is not finite says so and keeps what it was', () => {
    const tracker = new IncidentTracker(2);
    const actions = Float32Array.of(Number.NaN, Number.POSITIVE_INFINITY);
    tracker.refused(0, 0, { flags: FLAG.not_finite | FLAG.rejected, score: 0, ref: 1, actions, row: 0 });
    expect(tracker.end()).toMatchObject({
      type: 'not_finite',
      severity: 'high',
      worst: { proposed: [Number.NaN, Number.POSITIVE_INFINITY], excess: null },
    });
  });

  it('[R2] of a refused instruction has no action, and a worse one makes it worse', () => {
    const tracker = new IncidentTracker(2);
    tracker.tick(0, 1, workspace(0.1));
    expect(tracker.instructionRefused(10, 2, 'critical')).toBe('worse');
    expect(tracker.instructionRefused(20, 3, 'high')).toBeNull();
    expect(tracker.watches(0)).toBe(false);
    expect(tracker.end()).toMatchObject({
      severity: 'critical',
      type: 'instruction',
      types: ['workspace', 'instruction'],
      ticks: 1,
      refusals: 2,
      worst: { tick: 2, proposed: null, sent: null, ref: null, action: 'refused' },
    });
  });

  it('[R2] starts from nothing each time', () => {
    const tracker = new IncidentTracker(2);
    tracker.refused(0, 0, { flags: FLAG.policy_collision, score: 0, ref: 1, actions: Float32Array.of(1, 1), row: 0 });
    tracker.end();
    expect(tracker.watches(0)).toBe(false);
    tracker.tick(0, 1, workspace(0.1));
    expect(tracker.end()).toMatchObject({ types: ['workspace'], refusals: 0, ticks: 1, severity: 'low' });
    expect(tracker.end()).toBeNull();
  });
});

describe('what is no incident', () => {
  it('[R3] flags of the governor’s ordinary work are not even looked at', () => {
    const tracker = new IncidentTracker(2);
    for (const name of [
      'velocity',
      'acceleration',
      'jerk',
      'workspace',
      'gripper',
      'restart',
      'rotation_jerk',
    ] as const) {
      expect(tracker.watches(FLAG[name])).toBe(false);
    }
  });

  it('[R3] a policy that keeps its limits opens none in a thousand ticks', () => {
    const loop = new ControlLoop(tabletopSpec());
    const tracker = new IncidentTracker(7);
    const state = Float64Array.of(0, 0, 0.1, 0, 0, 0, 1);
    for (let n = 0; n < 1_000; n++) {
      if (n % 4 === 0) {
        loop.observe(state, n);
        loop.adopt(chunk(constantChunk([n % 8 < 4 ? 0.002 : -0.002, 0, 0, 0, 0, 0, 1]), state, n, n));
      }
      const r = loop.tick(n, null);
      state.forEach((_, i) => {
        if (i < 6) state[i] = (state[i] as number) + (r.values[i] as number);
      });
      if (tracker.watches(r.flags)) tracker.tick(n * 100, n, r);
    }
    expect(tracker.open).toBe(false);
  });
});
