import { findRobot, ROBOTS } from '@sinew/robots';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { TickResult } from '../control-io.js';
import { ControlLoop } from '../control-loop.js';
import { type ControlSpec, checkSpec } from '../control-spec.js';
import { CLAMP_FLAGS, FLAG, flagNames } from '../flags.js';
import { kinematicsOf } from '../kinematics/kinematics.js';
import { resolveLimits } from '../limits.js';
import { attackJoints, JOINT_SPACES, type JointSpace } from '../testing/joint-adversary.js';
import { chunk, mulberry32 } from '../testing/kit.js';
import { Vec3 } from '../vec3.js';

const HOME = [0, -0.6, 0, -2.2, 0, 1.6, 0.8];
const GRIPPER = 0.75;
const GOVERNABLE = ROBOTS.filter((robot) => robot.joints.every(({ velocity }) => velocity !== null));

const attack = fc.record({
  robot: fc.constantFrom(...GOVERNABLE),
  space: fc.constantFrom(...JOINT_SPACES),
  mode: fc.constantFrom('reduced' as const, 'full' as const),
  hz: fc.constantFrom(5, 10, 20, 50, 100),
  seed: fc.integer(),
  ticks: fc.constant(250),
});

function specOf(space: JointSpace, change: Partial<ControlSpec> = {}, robot = 'franka_panda'): ControlSpec {
  const record = findRobot(robot)!;
  const hz = change.hz ?? 20;
  const result = resolveLimits({ robot: record, actionSpace: space, mode: 'full', hz });
  if (!result.ok) throw new Error(`${result.field}: ${result.reason}`);
  return {
    limits: result.limits,
    actionSpace: space,
    dim: record.dof + 1,
    chunkSize: 8,
    hz,
    execute: 4,
    blend: 'latest',
    smoothing: 'none',
    action: { frame: 'base', rotation: 'rotvec', gripper: 'absolute_0_closed_1_open', pose: null },
    ...change,
  };
}

const stateAt = (q: ArrayLike<number>, gripper = GRIPPER) => Float64Array.of(...Array.from(q), gripper);

/** A chunk in which joint 0 goes `perTick` (rad) a tick from HOME, in the terms of its space. */
function turning(space: JointSpace, perTick: number, { hz = 20, gripper = 0.5, from = HOME } = {}): Float32Array {
  return Float32Array.from({ length: 64 }, (_, k) => {
    const i = k % 8;
    if (i === 7) return gripper;
    if (space === 'joint_position') return from[i]! + (i === 0 ? (Math.floor(k / 8) + 1) * perTick : 0);
    return i === 0 ? perTick * (space === 'joint_velocity' ? hz : 1) : 0;
  });
}

function started(space: JointSpace, change: Partial<ControlSpec> = {}): ControlLoop {
  const loop = new ControlLoop(specOf(space, change));
  loop.observe(stateAt(HOME), 0);
  return loop;
}

const joints = (r: TickResult) => [...r.values.subarray(0, 7)];
const isRest = (space: JointSpace, r: TickResult, at: number[]) =>
  joints(r).every((x, i) => x === (space === 'joint_position' ? at[i] : 0));

describe('joint sessions under attack', () => {
  it('[J1] [SAFE-B1] [SAFE-B2] [SAFE-B3] [SAFE-B4] [SAFE-B6] [SAFE-B7] [SAFE-B8] [SAFE-N3] [SAFE-G1] [SAFE-E1] [SAFE-E2] [SAFE-E4] every robot, whatever goes in', () => {
    fc.assert(
      fc.property(attack, (session) => {
        expect(attackJoints(session).violations).toEqual([]);
      }),
      { numRuns: 60 },
    );
  });

  it('[J1] [SAFE-B5] a robot that does as it is told is never stopped harder than its limits allow', () => {
    fc.assert(
      fc.property(attack, (session) => {
        const auditor = attackJoints({ ...session, faithful: true });
        expect(auditor.violations).toEqual([]);
        expect(auditor.emergencies).toBe(0);
      }),
      { numRuns: 40 },
    );
  });

  it.each(JOINT_SPACES)('[SAFE-C6] %s says clamped exactly where what was sent is not what was proposed', (space) => {
    const random = mulberry32(5);
    for (const blend of ['latest', 'weighted', 'temporal_ensemble'] as const) {
      const loop = started(space, { blend, smoothing: blend === 'weighted' ? 'one_euro' : 'none' });
      const q = [...HOME];
      for (let n = 0; n < 200; n++) {
        if (n % 4 === 0) {
          loop.observe(stateAt(q), n);
          const actions = turning(space, (random() - 0.5) * 0.3, { gripper: 1.4 * random() - 0.2, from: q });
          loop.adopt(chunk(actions, stateAt(q), n));
        }
        const r = loop.tick(n, null);
        const same = r.values.every((x, i) => Object.is(x, r.proposed[i]));
        if (r.kind === 'action') expect([r.clamped, (r.flags & CLAMP_FLAGS) !== 0]).toEqual([!same, !same]);
        for (let i = 0; i < 7; i++) {
          const value = r.values[i]!;
          q[i] = space === 'joint_position' ? value : q[i]! + (space === 'joint_velocity' ? value / 20 : value);
        }
      }
    }
  });

  it.each(JOINT_SPACES)(
    '[SAFE-T7] [SAFE-C7] %s: the same calls give the same bits, and a plan is its ticks',
    (space) => {
      for (let seed = 0; seed < 12; seed++) {
        const smoothing = (['none', 'ema', 'one_euro', 'butterworth2', 'jerk_limited'] as const)[seed % 5]!;
        const change = { smoothing, execute: 2, hz: 50 };
        const [planned, ticked] = [started(space, change), started(space, change)];
        const random = mulberry32(seed);
        let q = [...HOME];
        let first = 0;
        for (let round = 0; round < 6; round++) {
          const play = 1 + Math.floor(random() * 10);
          const actions = turning(space, (random() - 0.5) * 0.1, { hz: 50, from: q });
          for (const loop of [planned, ticked]) {
            loop.observe(stateAt(q), first);
            loop.adopt(chunk(actions, stateAt(q), first));
          }
          expect(
            [...planned.plan(first, 8).startPose!.subarray(0, 7)].every((x, i) => Math.abs(x - q[i]!) < 1e-12),
          ).toBe(true);
          const plan = planned.plan(first, 8);
          for (let i = 0; i < play; i++) {
            const row = i < 8 ? plan.values.subarray(i * 8, i * 8 + 8) : plan.stop.subarray((i - 8) * 8, (i - 7) * 8);
            const { values } = ticked.tick(first + i, null);
            if (row.length === 8) expect([...row]).toEqual([...values]);
            q = q.map((x, d) =>
              space === 'joint_position' ? values[d]! : x + (space === 'joint_velocity' ? values[d]! / 50 : values[d]!),
            );
          }
          first += play;
        }
      }
    },
  );
});

describe.each(JOINT_SPACES)('a session of %s', (space) => {
  it('[J3] [SAFE-B8] a tool found outside its box is led back, at 0.25 m/s at most also at full speed', () => {
    const robot = findRobot('franka_panda')!;
    const tool = kinematicsOf(robot)!;
    const at = (q: ArrayLike<number>) => tool.position(Float64Array.from(q), new Vec3());
    const { y } = at(HOME);
    // The box begins 0.2 m to the left of where the tool is found; turning joint 1 leads into it.
    const workspace = { min: [-0.6, y + 0.2, 0], max: [0.6, y + 0.6, 0.9] };
    const request = { robot, actionSpace: space, mode: 'full', workspace, hz: 20 } as const;
    const result = resolveLimits(request);
    if (!result.ok) throw new Error(result.reason);
    const loop = started(space, { limits: result.limits });
    const q = [...HOME];
    const speeds: { outside: boolean; speed: number }[] = [];
    for (let n = 0; n < 60; n++) {
      if (n % 4 === 0) loop.adopt(chunk(turning(space, 0.08, { from: q }), stateAt(q), n));
      const before = at(q);
      const value = loop.tick(n, null).values[0]!;
      q[0] = space === 'joint_position' ? value : q[0]! + (space === 'joint_velocity' ? value / 20 : value);
      const after = at(q);
      const speed = 20 * Math.hypot(after.x - before.x, after.y - before.y, after.z - before.z);
      speeds.push({ outside: before.y < y + 0.2, speed });
    }
    const outside = speeds.filter((tick) => tick.outside).map(({ speed }) => speed);
    expect(Math.max(...outside)).toBeLessThan(0.2501);
    expect(Math.max(...outside)).toBeGreaterThan(0.24);
    expect(Math.max(...speeds.filter((tick) => !tick.outside).map(({ speed }) => speed))).toBeGreaterThan(0.3);
  });

  it('[K4] a new episode brakes what moves from where it is, not from where the last one began', () => {
    const loop = new ControlLoop(specOf(space, { hz: 50 }));
    const edge = [2.89, ...HOME.slice(1)];
    loop.observe(stateAt(edge), 0);
    let q = 2.89;
    const play = (first: number, perTick: number) => {
      const from = [q, ...HOME.slice(1)];
      loop.adopt(chunk(turning(space, perTick, { hz: 50, from }), stateAt(from), first));
      for (let n = first; n < first + 8; n++) {
        const value = loop.tick(n, null).values[0]!;
        q = space === 'joint_position' ? value : q + (space === 'joint_velocity' ? value / 50 : value);
      }
    };
    // Away from the end of the range, then back towards it.
    play(0, -0.04);
    expect(q).toBeLessThan(2.8);
    play(8, 0.04);
    play(16, 0.04);
    expect(loop.resting).toBe(false);
    loop.beginEpisode();
    for (let n = 24; n < 60; n++) expect(loop.tick(n, null).flags & FLAG.emergency).toBe(0);
    expect(loop.resting).toBe(true);
  });

  it('[SAFE-C1] a legal policy passes bit for bit, the gripper too', () => {
    const loop = started(space);
    loop.adopt(chunk(turning(space, 0.002), stateAt(HOME), 0));
    for (let n = 0; n < 8; n++) {
      const r = loop.tick(n, null);
      expect([r.kind, r.flags, r.clamped, r.score, r.checksPassed]).toEqual(['action', 0, false, 1, 4]);
      expect([...r.values]).toEqual([...r.proposed]);
      if (space === 'joint_position') expect(r.values[0]).toBe(Math.fround((n + 1) * 0.002));
    }
  });

  it('[SAFE-N1] [SAFE-N2] what is not finite, of the wrong length or in degrees is refused whole; five in a row hold', () => {
    const loop = started(space);
    const clean = started(space);
    for (const one of [loop, clean]) one.adopt(chunk(turning(space, 0.002), stateAt(HOME), 0));
    const spoilt = (change: (a: Float32Array) => Float32Array) => change(turning(space, 0.002));
    const degrees = space === 'joint_velocity' ? 120 : 57;
    for (const [actions, reason] of [
      [spoilt((a) => a.fill(Number.NaN, 20, 21)), 'not_finite'],
      [spoilt((a) => a.fill(Number.NEGATIVE_INFINITY, 63, 64)), 'not_finite'],
      [spoilt((a) => a.subarray(1)), 'wrong_length'],
      [spoilt((a) => a.fill(degrees, 9, 10)), 'implausible'],
    ] as const) {
      expect(loop.adopt(chunk(actions, stateAt(HOME), 1, 1))).toMatchObject({ adopted: false, reason, score: 0 });
    }
    expect(loop.tick(0, null)).toEqual(clean.tick(0, null));
    expect(loop.adopt(chunk(turning(space, 0.002), stateAt([Number.NaN, ...HOME.slice(1)]), 1, 1)).reason).toBe(
      'not_finite',
    );
    const held = loop.tick(1, null);
    expect([held.kind, held.reason]).toEqual(['hold', 'safety']);
  });

  it('[SAFE-T6] nothing moves before joints were measured, and not from a state that is none', () => {
    const loop = new ControlLoop(specOf(space));
    loop.adopt(chunk(turning(space, 0.002), stateAt(HOME), 0));
    expect(loop.knowsRest).toBe(space !== 'joint_position');
    for (const state of [stateAt(HOME, Number.NaN), stateAt([1e9, ...HOME.slice(1)]), Float64Array.of(0, 0)]) {
      loop.observe(state, 0);
      expect(loop.tick(0, null).kind).toBe('hold');
      loop.reset();
      loop.adopt(chunk(turning(space, 0.002), stateAt(HOME), 0));
    }
    loop.observe(stateAt(HOME), 0);
    expect(loop.knowsRest).toBe(true);
    expect(loop.tick(0, null).kind).toBe('action');
  });

  it('[SAFE-T2] [SAFE-T4] a hold brakes, then stands; a tick that does not rise moves nothing; missing ticks are a standstill', () => {
    const loop = started(space, { chunkSize: 8 });
    loop.adopt(chunk(turning(space, 0.06), stateAt(HOME), 0));
    for (let n = 0; n < 4; n++) loop.tick(n, null);
    let last = [...HOME];
    for (let n = 4; n < 30; n++) {
      const r = loop.tick(n, 'stale');
      expect([r.kind, r.reason, r.values[7]]).toEqual(['hold', 'stale', 0.5]);
      if (n === 29) expect(isRest(space, r, last)).toBe(true);
      last = joints(r);
    }
    const still = loop.tick(29, null);
    expect([still.kind, isRest(space, still, last)]).toEqual(['hold', true]);
    loop.observe(stateAt(space === 'joint_position' ? last : HOME), 40);
    loop.adopt(
      chunk(
        turning(space, 0.06, { from: space === 'joint_position' ? last : HOME }),
        stateAt(space === 'joint_position' ? last : HOME),
        40,
      ),
    );
    const again = loop.tick(40, null);
    expect(flagNames(again.flags)).toContain('restart');
    const first = {
      joint_position: again.values[0]! - last[0]!,
      joint_delta: again.values[0]!,
      joint_velocity: again.values[0]! / 20,
    }[space];
    expect(first).toBeLessThanOrEqual((15 / 400) * (1 + 1e-9));
  });

  it('[SAFE-E1] [SAFE-E2] [SAFE-E4] an e-stop wins at its tick; what was queued before is never played', () => {
    const loop = started(space);
    loop.adopt(chunk(turning(space, 0.02), stateAt(HOME), 0));
    loop.tick(0, null);
    const stop = loop.tick(1, 'estop');
    expect([stop.kind, stop.reason]).toEqual(['hold', 'estop']);
    expect(loop.adopt(chunk(turning(space, 0.02), stateAt(HOME), 1, 2)).reason).toBe('expired');
    for (let n = 2; n < 12; n++) expect(loop.tick(n, n < 8 ? 'estop' : null).kind).toBe('hold');
    const q = space === 'joint_position' ? joints(loop.tick(12, null)) : HOME;
    loop.observe(stateAt(q), 13);
    loop.adopt(chunk(turning(space, 0.02, { from: q }), stateAt(q), 13));
    expect(loop.tick(13, null).kind).toBe('action');
  });

  it('[SAFE-G1] the gripper stays on a hold, is clamped to [0, 1], and before anything was sent it is as measured', () => {
    const loop = started(space);
    expect(loop.tick(0, 'stale').values[7]).toBe(GRIPPER);
    loop.adopt(chunk(turning(space, 0, { gripper: 1.5 }), stateAt(HOME), 1));
    const r = loop.tick(1, null);
    expect([r.values[7], flagNames(r.flags)]).toEqual([1, ['gripper']]);
    loop.adopt(chunk(turning(space, 0, { gripper: Number.NaN }), stateAt(HOME), 2));
    expect(loop.tick(2, 'draining').values[7]).toBe(1);
    const bare = new ControlLoop(specOf(space, { dim: 7 }));
    bare.observe(Float64Array.from(HOME), 0);
    expect(bare.tick(0, 'stale').values).toHaveLength(7);
  });

  it('[SAFE-D2] what was clamped away while a chunk lasts is not replayed after it', () => {
    const loop = started(space);
    loop.adopt(chunk(turning(space, 0.9 / 8 + 0.05), stateAt(HOME), 0));
    for (let n = 0; n < 40; n++) {
      const r = loop.tick(n, null);
      if (n < 8) expect(Math.abs(r.proposed[0]!)).toBeGreaterThan(0);
      else expect(r.kind).toBe('hold');
      if (n === 39) expect(loop.resting).toBe(true);
    }
  });

  it('[SAFE-D3] a policy that asks for no motion gets none, for ever', () => {
    const loop = started(space);
    for (let n = 0; n < 400; n++) {
      if (n % 8 === 0) loop.adopt(chunk(turning(space, 0), stateAt(HOME), n));
      const r = loop.tick(n, null);
      if (space === 'joint_position') for (let i = 0; i < 7; i++) expect(r.values[i]).toBeCloseTo(HOME[i]!, 6);
      else expect(joints(r)).toEqual([0, 0, 0, 0, 0, 0, 0]);
    }
  });

  it('[SAFE-D4] [SAFE-T5] the same way in half the steps at twice the rate ends at the same place', () => {
    const end = (hz: number, perTick: number) => {
      const loop = started(space, { hz });
      const q = [...HOME];
      for (let n = 0; n < (hz === 20 ? 8 : 16); n++) {
        if (n % 8 === 0) {
          loop.observe(stateAt(q), n);
          loop.adopt(chunk(turning(space, perTick, { hz, from: q }), stateAt(q), n));
        }
        const value = loop.tick(n, null).values[0]!;
        q[0] = space === 'joint_position' ? value : q[0]! + (space === 'joint_velocity' ? value / hz : value);
      }
      return q[0]!;
    };
    expect(end(20, 0.004)).toBeCloseTo(end(40, 0.002), 6);
  });

  it('[SAFE-N4] [SAFE-U3] a spec that does not fit the joints builds no loop, and says which field', () => {
    const action = specOf(space).action;
    const cases: [Partial<ControlSpec>, string][] = [
      [{ dim: 6 }, 'action_dim'],
      [{ dim: 9 }, 'action_dim'],
      [{ blend: 'rtc' }, 'blend'],
      [{ action: { ...action, joints: [0, 1, 2] } }, 'action.joints'],
      [{ action: { ...action, joints: [0, 1, 2, 3, 4, 5, 6] } }, 'action.joints'],
      [{ action: { ...action, joints: [0, 1, 2, 3, 4, 5, 5, 7] } }, 'action.joints'],
      [{ limits: { ...specOf(space).limits, action_space: 'ee_delta' } }, 'action_space'],
      [{ limits: { ...specOf(space).limits, joints: [] } }, 'limits.joints'],
      [{ limits: { ...specOf(space).limits, robot_type: 'nobody' } }, 'robot_type'],
      [{ hz: 21, limits: specOf(space).limits }, 'control_hz'],
    ];
    for (const [change, field] of cases) expect(checkSpec(specOf(space, change))?.field, field).toBe(field);
  });

  it('[J5] joints are found by their entries, whatever else the state holds', () => {
    const joints = [9, 1, 8, 2, 7, 3, 6, 0];
    const loop = new ControlLoop(specOf(space, { action: { ...specOf(space).action, joints } }));
    const state = new Float64Array(10).fill(0.1);
    for (const [i, x] of [...HOME, GRIPPER].entries()) state[joints[i]!] = x;
    loop.observe(state, 0);
    loop.adopt(chunk(turning(space, 0.002), state, 0));
    const plain = started(space);
    plain.adopt(chunk(turning(space, 0.002), stateAt(HOME), 0));
    for (let n = 0; n < 10; n++) expect(loop.tick(n, null)).toEqual(plain.tick(n, null));
  });
});

describe('positions', () => {
  const follow = (loop: ControlLoop, from: number, until: number, to: (n: number) => number[], cause = null) => {
    const sent: number[][] = [];
    for (let n = from; n < until; n++) {
      loop.adopt(
        chunk(
          Float32Array.from({ length: 64 }, (_, k) => (k % 8 === 7 ? 0.5 : to(n)[k % 8]!)),
          stateAt(to(n)),
          n,
        ),
      );
      sent.push(joints(loop.tick(n, cause)));
    }
    return sent;
  };

  it('[SAFE-D1] [J4] measurements never make what is sent jump; found beyond the leash, the robot stands or is led back', () => {
    const loop = started('joint_position');
    const away = (by: number) => HOME.map((x, i) => (i === 0 ? x + by : x));
    const sent = follow(loop, 0, 10, () => away(0.5));
    const at = sent.at(-1)!;
    expect(at[0]).toBeGreaterThan(0.35);
    // It is stuck at the start.
    loop.observe(stateAt(HOME), 10);
    for (let n = 10; n < 14; n++) {
      loop.adopt(chunk(turning('joint_position', 0.1, { from: away(0.5) }), stateAt(HOME), n));
      const r = loop.tick(n, null);
      expect([r.kind, r.reason, flagNames(r.flags).includes('drift')]).toEqual(['hold', 'safety', true]);
      expect(Math.abs(r.values[0]! - at[0]!)).toBeLessThan(0.2);
    }
    const stood = joints(loop.tick(14, 'stale'));
    const back = follow(loop, 15, 40, () => away(0.1));
    expect(back.at(-1)![0]).toBeLessThan(stood[0]!);
    expect(back.at(-1)![0]).toBeCloseTo(0.1, 6);
    loop.observe(stateAt(away(0.05)), 40);
    expect(flagNames(loop.tick(40, null).flags)).not.toContain('drift');
  });

  it('[J4] a robot moved by hand in an e-stop goes on from where it stands, and says so', () => {
    const loop = started('joint_position');
    follow(loop, 0, 6, () => HOME.map((x) => x + 0.01));
    for (let n = 6; n < 30; n++) loop.tick(n, 'estop');
    const moved = HOME.map((x, i) => (i === 1 ? x + 0.4 : x));
    loop.observe(stateAt(moved), 30);
    const r = loop.tick(30, 'estop');
    expect(flagNames(r.flags)).toContain('relocated');
    expect(joints(r)).toEqual(moved);
    // A hair's breadth is what any arm is off.
    loop.observe(stateAt(moved.map((x) => x + 0.004)), 31);
    expect(joints(loop.tick(31, 'estop'))).toEqual(moved);
  });

  it('[J4] [SAFE-T6] what lags while it moves is not taken for moved by hand', () => {
    const loop = started('joint_position');
    follow(loop, 0, 6, () => HOME.map((x, i) => (i === 0 ? x + 1 : x)));
    const before = joints(loop.tick(6, 'estop'));
    loop.observe(stateAt(before.map((x) => x - 0.05)), 7);
    const after = loop.tick(7, 'estop');
    expect(after.flags & FLAG.relocated).toBe(0);
    expect(after.values[0]).toBeGreaterThanOrEqual(before[0]!);
  });

  it('[SAFE-B1] a continuous joint goes the short way round and is never clamped', () => {
    const loop = new ControlLoop(specOf('joint_position', { dim: 6 }, 'ur3e'));
    const at = (wrist: number) => Float64Array.of(0, -1, 1, 0, 0.5, wrist);
    loop.observe(at(3.1), 0);
    let last = 3.1;
    for (let n = 0; n < 200; n++) {
      // The policy counts within ±π.
      const wanted = Math.atan2(Math.sin(3.1 + 0.05 * (n + 1)), Math.cos(3.1 + 0.05 * (n + 1)));
      loop.adopt(
        chunk(
          Float32Array.from({ length: 48 }, (_, k) => at(wanted)[k % 6]!),
          at(Math.atan2(Math.sin(last), Math.cos(last))),
          n,
        ),
      );
      const now = loop.tick(n, null).values[5]!;
      expect(now).toBeGreaterThanOrEqual(last - 1e-9);
      expect(now - last).toBeLessThan(0.2);
      last = now;
    }
    expect(last).toBeGreaterThan(2 * Math.PI + 3);
  });
});

describe('deltas', () => {
  it('[SAFE-D1] [J5] every observation re-anchors; beyond the leash the tick after it is flagged', () => {
    const loop = started('joint_delta');
    loop.adopt(chunk(turning('joint_delta', 0.02), stateAt(HOME), 0));
    for (let n = 0; n < 3; n++) loop.tick(n, null);
    loop.observe(stateAt(HOME.map((x, i) => (i === 0 ? x + 0.02 : x))), 3);
    const caught = loop.tick(3, null);
    // Told 0.06, measured 0.02: what the way-point still lacks is caught up.
    expect(caught.proposed[0]).toBeCloseTo(0.06, 6);
    expect(flagNames(caught.flags)).not.toContain('drift');
    loop.observe(stateAt(HOME.map((x) => x + 0.4)), 4);
    expect(flagNames(loop.tick(4, null).flags)).toContain('drift');
    expect(flagNames(loop.tick(5, null).flags)).not.toContain('drift');
  });

  it('[J7] a step is scored against ranges, speeds, accelerations and what the tool would hit', () => {
    const bent = [0, 0.9, 0, -1.2, 0, 2.1, 0.8];
    const result = resolveLimits({
      robot: findRobot('franka_panda')!,
      actionSpace: 'joint_delta',
      mode: 'full',
      hz: 20,
      keepOut: [{ normal: [0, 0, 1], offset: 0.1 }],
    });
    if (!result.ok) throw new Error(result.reason);
    const verdict = (q: number[], step: number[], minSafetyScore = 0.7) => {
      const loop = new ControlLoop(
        specOf('joint_delta', { limits: result.limits, chunkSize: 1, execute: 1, minSafetyScore }),
      );
      loop.observe(stateAt(q), 0);
      const { score, flags, checksPassed, reason } = loop.judge(chunk(Float32Array.of(...step, 0.5), stateAt(q), 0));
      return { score, flags: flagNames(flags), checksPassed, reason };
    };
    expect(verdict(HOME, [0.01, 0, 0, 0, 0, 0, 0])).toEqual({
      score: 1,
      flags: [],
      checksPassed: 4,
      reason: undefined,
    });
    // Twice the speed of joint 1 and no more, the tool at less than its own.
    const fast = verdict(HOME, [(2 * 2.175) / 20, 0, 0, 0, 0, 0, 0]);
    expect([fast.flags, fast.checksPassed]).toEqual([['policy_dynamics'], 3]);
    expect(fast.score).toBeCloseTo(0.75, 5);
    const out = verdict([2.85, ...HOME.slice(1)], [0.1, 0, 0, 0, 0, 0, 0]);
    expect(out.flags).toEqual(['policy_workspace', 'policy_dynamics'].slice(0, out.flags.length));
    expect(out.score).toBeLessThan(1);
    const down = verdict(bent, [0, 0.6, 0, 0, 0, 0, 0]);
    expect(down.flags).toContain('policy_collision');
    expect(down.reason).toBe('unsafe');
    // Whatever the least score: into a keep-out never.
    expect(verdict(bent, [0, 0.6, 0, 0, 0, 0, 0], 0).reason).toBe('unsafe');
  });
});
