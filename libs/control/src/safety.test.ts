import { ROBOTS } from '@sinew/robots';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ControlLoop } from './control-loop.js';
import { type ControlSpec, checkSpec } from './control-spec.js';
import { CLAMP_FLAGS, FLAG } from './flags.js';
import type { LimitsInForce } from './limits.js';
import { attack, campaign } from './testing/adversary.js';
import {
  anyMotionLimits,
  chunk,
  constantChunk,
  freeLimits,
  logarithmic,
  mulberry32,
  POSE_STATE,
  tabletopSpec,
} from './testing/kit.js';
import { SafetyAuditor } from './testing/safety-auditor.js';

const HOME = Float64Array.of(0, 0, 0.1, 0, 0, 0, 1);
const STEP = [0.01, 0, 0, 0, 0, 0.02, 0.5];

function started(change: Partial<ControlSpec> = {}, state = HOME): ControlLoop {
  const loop = new ControlLoop(tabletopSpec(change));
  loop.observe(state, 0);
  return loop;
}

const roomy = (limits: LimitsInForce): LimitsInForce => ({
  ...limits,
  workspace: { min: [-50, -50, -50], max: [50, 50, 50], origin: 'session' },
});

const moves = (values: ArrayLike<number>) =>
  Array.from(values)
    .slice(0, 6)
    .some((x) => x !== 0);

describe('hostile sessions', () => {
  it('[SAFE-B1] [SAFE-B2] [SAFE-B3] [SAFE-B4] [SAFE-B5] [SAFE-B6] [SAFE-B7] [SAFE-B8] [SAFE-N3] [SAFE-E1] [SAFE-E2] [SAFE-E4] an outside auditor finds nothing', () => {
    const robots = new Set<string>();
    for (const { attack: how, auditor } of campaign(ROBOTS.length * 600, Date.now() % 1e9, 300)) {
      robots.add(how.robot.id);
      expect(auditor.violations, JSON.stringify({ ...how, robot: how.robot.id })).toEqual([]);
    }
    expect(robots.size).toBe(ROBOTS.length);
  });

  it('the auditor sees what it is there for', () => {
    const limits = {
      hz: 10,
      v: 1,
      a: 2,
      j: 10,
      w: 1,
      dw: 2,
      ddw: 10,
      box: { min: [-1, -1, -1], max: [1, 1, 1] },
      keepOut: [],
    };
    const seen = (steps: number[][], change: object = {}, from: [number, number, number] = [0, 0, 0]) => {
      const auditor = new SafetyAuditor({ ...limits, ...change });
      auditor.measured(from, 0);
      steps.forEach((step, n) => {
        const values = Float64Array.from({ length: 7 }, (_, d) => step[d] ?? 0);
        auditor.tick(n, { values, kind: 'action', reason: null, emergency: false });
      });
      return auditor.violations.map((v) => v.split(' ')[2]);
    };
    const gentle = { a: 1e9, j: 1e9 };
    expect(seen([[0.01], [0.02], [0.02], [0.01]])).toEqual([]);
    expect(seen([[0.11]], gentle)).toEqual(['B2']);
    expect(seen([[0.021]], { j: 1e9 })).toEqual(['B3']);
    expect(seen([[0.019], [0.019], [0]], { j: 1e9 })).toEqual([]);
    expect(seen([[0.0101]])).toEqual(['B4']);
    expect(seen([[0, 0, 0, 0.2]])).toContain('B2');
    expect(seen([[0.1]], gentle, [0.95, 0, 0])).toEqual(['B6']);
    expect(seen([[0.01]], gentle, [1.1, 0, 0])).toEqual(['B8']);
    expect(seen([[-0.01]], gentle, [1.1, 0, 0])).toEqual([]);
    const ball = { ...gentle, keepOut: [{ center: [0.05, 0, 0], radius: 0.01 }] };
    expect(seen([[0.1]], ball)).toEqual(['B6']);
    expect(seen([[0, 0.1]], ball)).toEqual([]);
    expect(seen([[Number.NaN]])).toContain('N3');
    expect(seen([[0, 0, 0, 0, 0, 0, 1.01]])).toEqual(['G1']);
  });
});

describe('drift', () => {
  it('[SAFE-D1] an observation takes what is commanded to what is measured, so nothing winds up', () => {
    fc.assert(
      fc.property(fc.integer(), fc.constantFrom('euler_xyz' as const, 'rotvec' as const), (seed, rotation) => {
        const random = mulberry32(seed);
        const loop = started({ chunkSize: 16, execute: 4, action: { ...POSE_STATE, rotation } });
        for (let n = 0; n < 40; n += 4) {
          const state = Float64Array.from(HOME, (x, d) => (d < 6 ? x + 0.1 * (random() - 0.5) : x));
          loop.observe(state, n);
          const start = loop.plan(n, 4).startPose!;
          for (let d = 0; d < 6; d++) expect(start[d]).toBeCloseTo(state[d] as number, 12);
          loop.adopt(chunk(constantChunk([0.02, 0.01, 0, 0, 0, 0.1, 1], 16), state, n, n));
        }
      }),
      { numRuns: 30 },
    );
  });

  it('[SAFE-D2] what was too fast is told tick by tick and never made up for later', () => {
    const loop = started();
    loop.adopt(chunk(constantChunk([0.05, 0, 0, 0, 0, 0, 1]), HOME, 0, 0));
    const state = HOME.slice();
    for (let n = 0; n < 4; n++) {
      const r = loop.tick(n, null);
      state[0] = (state[0] as number) + (r.values[0] as number);
      expect((r.proposed[0] as number) - (r.values[0] as number)).toBeGreaterThan(0);
      expect(r.clamped).toBe(true);
    }
    loop.observe(state, 4);
    loop.adopt(chunk(new Float32Array(56), state, 4, 4));
    // Half of what was asked for was not done, and stays undone.
    for (let n = 4; n < 12; n++) expect(moves(loop.tick(n, null).values)).toBe(false);
    expect(state[0]).toBeCloseTo(0.1, 9);
  });

  it('[SAFE-D3] zero deltas for ever are no motion, and turning for ever keeps a rotation one', () => {
    const rotvec = { ...POSE_STATE, rotation: 'rotvec' as const };
    const still = started({ action: rotvec });
    for (let n = 0; n < 2000; n++) {
      if (n % 8 === 0) still.adopt(chunk(new Float32Array(56), HOME, n, n));
      expect(moves(still.tick(n, null).values)).toBe(false);
    }
    const turning = started({ action: rotvec, chunkSize: 40, execute: 20 });
    let measured: Float64Array = HOME;
    let sum = 0;
    for (let n = 0; n < 4000; n += 20) {
      turning.adopt(chunk(constantChunk([0, 0, 0, 0, 0, 0.1, 1], 40), measured, n, n));
      const plan = turning.plan(n, 20);
      for (let k = 0; k < 20; k++) sum += plan.values[7 * k + 5] as number;
      measured = turning.plan(n + 20, 1).startPose!;
    }
    expect(Math.hypot(measured[3] as number, measured[4] as number)).toBeLessThan(1e-9);
    expect(Math.sin((measured[5] as number) - sum)).toBeCloseTo(0, 9);
    expect(Math.cos((measured[5] as number) - sum)).toBeCloseTo(1, 9);
  });

  it('[SAFE-D4] many small deltas lead where one large one does', () => {
    for (const rotation of ['euler_xyz', 'rotvec'] as const) {
      const ends = [1, 2, 4, 8].map((parts) => {
        const loop = started({ action: { ...POSE_STATE, rotation } });
        const actions = new Float32Array(56);
        for (let k = 0; k < 8; k++) actions[7 * k + 6] = 1;
        for (let k = 0; k < parts; k++) {
          actions.set([0.016 / parts, -0.008 / parts, 0.004 / parts, 0, 0, 0.2 / parts], 7 * k);
        }
        loop.adopt(chunk(actions, HOME, 0, 0));
        loop.plan(0, 8);
        return [...loop.plan(8, 1).startPose!];
      });
      for (const end of ends) for (let d = 0; d < 6; d++) expect(end[d]).toBeCloseTo(ends[0]?.[d] as number, 7);
    }
  });
});

describe('time', () => {
  it('[SAFE-T4] a tick that does not rise sends no motion and changes nothing; one too far on is a gap, not a big step', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.integer({ min: -5, max: 3 }), fc.constant(Number.NaN), fc.constant(0.5)), {
          maxLength: 6,
        }),
        (odd) => {
          const loop = started({ chunkSize: 40 });
          const clean = started({ chunkSize: 40 });
          for (const l of [loop, clean]) {
            l.adopt(chunk(constantChunk(STEP, 40), HOME, 0, 0));
            for (let n = 0; n < 4; n++) l.tick(n, null);
          }
          for (const n of odd) expect(moves(loop.tick(n, null).values)).toBe(false);
          expect([...loop.tick(4, null).values]).toEqual([...clean.tick(4, null).values]);
          const r = loop.tick(30, null);
          expect(
            Math.hypot(r.values[0] as number, r.values[1] as number, r.values[2] as number) * 10,
          ).toBeLessThanOrEqual(0.25 + 1e-9);
          expect(r.flags & FLAG.restart).toBe(FLAG.restart);
        },
      ),
    );
  });

  it('[SAFE-T5] the same path at any rate is the same motion, within a step', () => {
    const ends = [10, 20, 50, 100].map((hz) => {
      const size = 2 * hz;
      const limits = freeLimits(hz, 0.2, 2, 1e5);
      const loop = started({ limits, hz, chunkSize: size, execute: size });
      // 0.3 m/s for a second, half as fast as allowed for the next; then nothing.
      const actions = new Float32Array(size * 7);
      for (let k = 0; k < size; k++) actions.set([(k < hz ? 0.15 : 0.1) / hz, 0, 0, 0, 0, 0.3 / hz, 1], 7 * k);
      loop.adopt(chunk(actions, HOME, 0, 0));
      let x = 0;
      const at: number[] = [];
      for (let n = 0; n < size; n++) {
        x += loop.tick(n, null).values[0] as number;
        if ((n + 1) % (hz / 2) === 0) at.push(x);
      }
      return at;
    });
    for (const at of ends) {
      expect(at).toHaveLength(4);
      at.forEach((x, i) => {
        expect(Math.abs(x - (ends[3]?.[i] as number))).toBeLessThanOrEqual(0.2 / 10);
      });
    }
  });

  it('[SAFE-T6] after a gap motion starts from where the robot is measured, at no more than one step from rest', () => {
    fc.assert(
      fc.property(anyMotionLimits, logarithmic(5, 100), fc.integer({ min: 2, max: 40 }), (motion, hz, gap) => {
        const limits = freeLimits(hz, motion.v, motion.a, motion.j);
        const loop = started({ limits, hz, chunkSize: 64, execute: 64 });
        const fast = constantChunk([motion.v / hz, 0, 0, 0, 0, 0, 1], 64);
        loop.adopt(chunk(fast, HOME, 0, 0));
        for (let n = 0; n < 8; n++) loop.tick(n, null);
        const elsewhere = Float64Array.of(-0.1, 0.05, 0.1, 0, 0, 0, 1);
        loop.observe(elsewhere, 8 + gap);
        loop.adopt(chunk(fast, elsewhere, 8 + gap, 8 + gap));
        const r = loop.tick(8 + gap, null);
        const a = Math.abs(r.values[0] as number) * hz * hz;
        expect(a).toBeLessThanOrEqual(
          Math.min(motion.a, motion.j / hz < 2 * motion.a ? motion.j / hz : Infinity) * (1 + 1e-9),
        );
        expect(r.values[0] as number).toBeGreaterThanOrEqual(0);
      }),
      { numRuns: 60 },
    );
  });

  it('[SAFE-T7] the same session gives the same bits', () => {
    for (const robot of ROBOTS.slice(0, 6)) {
      const how = { robot, mode: 'full', hz: 50, seed: 11, ticks: 400 } as const;
      expect(attack(how).worst).toEqual(attack(how).worst);
    }
  });
});

describe('the latch, as far as it is the loop’s', () => {
  it('[SAFE-E1] an e-stop wins at its own tick over every chunk and every other cause', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 7 }), fc.boolean(), (tick, late) => {
        const loop = started();
        loop.adopt(chunk(constantChunk(STEP), HOME, 0, 0));
        for (let n = 0; n < tick; n++) loop.tick(n, n % 3 === 2 ? 'stale' : null);
        if (late) loop.adopt(chunk(constantChunk(STEP), HOME, tick, tick));
        expect(loop.tick(tick, 'estop')).toMatchObject({ kind: 'hold', reason: 'estop' });
      }),
    );
  });

  it('[SAFE-E2] [SAFE-E4] after an e-stop nothing seen before it ever moves the robot, whenever it arrives', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 7 }), fc.integer({ min: 1, max: 20 }), fc.integer(), (stop, held, seed) => {
        const random = mulberry32(seed);
        const loop = started({ chunkSize: 40 });
        loop.adopt(chunk(constantChunk(STEP, 40), HOME, 0, 0));
        for (let n = 0; n < stop; n++) loop.tick(n, null);
        let n = stop;
        for (; n < stop + held; n++) loop.tick(n, 'estop');
        for (const end = n + 10; n < end; n++) {
          loop.observe(HOME, n);
          const seen = Math.floor(random() * (stop + held));
          expect(loop.adopt(chunk(constantChunk(STEP, 40), HOME, seen, n)).adopted).toBe(false);
          expect(loop.tick(n, null).kind).toBe('hold');
        }
        loop.observe(HOME, n);
        expect(loop.adopt(chunk(constantChunk(STEP, 40), HOME, n, n)).adopted).toBe(true);
        expect(loop.tick(n, null).kind).toBe('action');
      }),
    );
  });
});

describe('input', () => {
  it('[SAFE-N1] one bad number anywhere refuses the whole chunk and changes nothing', () => {
    const bad = fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 3e38, -1e7);
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 55 }), bad, fc.integer({ min: 0, max: 5 }), (where, value, tick) => {
        const [spoiled, clean] = [0, 1].map(() => {
          const loop = started();
          loop.adopt(chunk(constantChunk(STEP), HOME, 0, 0));
          for (let n = 0; n < tick; n++) loop.tick(n, null);
          return loop;
        }) as [ControlLoop, ControlLoop];
        const actions = constantChunk([0.02, 0.01, 0, 0, 0, 0, 0]);
        actions[where] = value;
        expect(spoiled.adopt(chunk(actions, HOME, tick, tick)).adopted).toBe(false);
        for (let n = tick; n < 8; n++) expect(spoiled.tick(n, null)).toEqual(clean.tick(n, null));
      }),
    );
  });

  it('[SAFE-N2] five refused chunks in a row hold until something new is seen; no latch', () => {
    const loop = started({ chunkSize: 40 });
    loop.adopt(chunk(constantChunk(STEP, 40), HOME, 0, 0));
    loop.tick(0, null);
    for (let i = 0; i < 5; i++) loop.adopt(chunk(new Float32Array(280).fill(Number.NaN), HOME, 1, 1));
    expect(loop.tick(1, null)).toMatchObject({ kind: 'hold', reason: 'safety' });
    loop.observe(HOME, 3);
    loop.adopt(chunk(constantChunk(STEP, 40), HOME, 3, 3));
    expect(loop.tick(3, null).kind).toBe('action');
  });

  it('[SAFE-G1] the gripper stays in [0, 1], passes unchanged within, and never moves on a refusal', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: -3, max: 3, noNaN: true }), { minLength: 1, maxLength: 10 }), (wishes) => {
        const loop = started();
        wishes.forEach((wish, n) => {
          const wished = Math.fround(wish);
          loop.adopt(chunk(constantChunk([0, 0, 0, 0, 0, 0, wished]), HOME, n, n));
          const spoiled = constantChunk([0, 0, 0, 0, 0, 0, 0.123]);
          spoiled[3] = Number.NaN;
          loop.adopt(chunk(spoiled, HOME, n, n));
          expect(loop.tick(n, null).values[6] === Math.min(1, Math.max(0, wished))).toBe(true);
        });
      }),
    );
  });

  it('[SAFE-U1] a convention that is not governed builds no loop', () => {
    const base = tabletopSpec();
    expect(checkSpec({ ...base, action: { ...base.action, frame: 'tool' } })?.field).toBe('action.frame');
    expect(checkSpec({ ...base, actionSpace: 'joint_delta' })?.field).toBe('action_space');
    expect(checkSpec({ ...base, dim: 8 })?.field).toBe('action_dim');
    expect(checkSpec({ ...base, hz: 25 })?.field).toBe('control_hz');
  });

  it('[SAFE-U3] a state whose pose stands elsewhere means the same', () => {
    const plain = new ControlLoop(tabletopSpec());
    const pose = {
      position: [8, 2, 5] as [number, number, number],
      rotation: [1, 7, 3] as [number, number, number],
      gripper: 0,
    };
    const shuffled = new ControlLoop(tabletopSpec({ action: { ...POSE_STATE, pose } }));
    const home = Float64Array.of(0.05, -0.04, 0.1, 0.1, -0.2, 0.3, 0.4);
    const other = new Float64Array(9);
    [...pose.position, ...pose.rotation, pose.gripper].forEach((index, i) => {
      other[index] = home[i] as number;
    });
    plain.observe(home, 0);
    shuffled.observe(other, 0);
    plain.adopt(chunk(constantChunk(STEP), home, 0, 0));
    shuffled.adopt(chunk(constantChunk(STEP), other, 0, 0));
    for (let n = 0; n < 10; n++) expect(shuffled.tick(n, null)).toEqual(plain.tick(n, null));
  });
});

describe('consistency', () => {
  /** A trajectory that keeps every limit by construction: bounded changes of a bounded acceleration, well inside the box. */
  function legal(
    random: () => number,
    hz: number,
    { v, a, j }: { v: number; a: number; j: number },
    ticks: number,
  ): number[][] {
    const speed = [0, 0, 0];
    const acceleration = [0, 0, 0];
    const most = {
      a: (0.5 * a) / Math.sqrt(3),
      da: Math.min((0.5 * j) / hz, a) / Math.sqrt(3),
      v: (0.5 * v) / Math.sqrt(3),
    };
    return Array.from({ length: ticks }, () =>
      speed.map((_, d) => {
        const room = Math.max(0, most.v - Math.abs(speed[d] as number));
        // √(2·J·room): what acceleration can still be taken back before the speed is too high.
        const cap = Math.min(most.a, Math.sqrt(2 * most.da * hz * room) / 2);
        const wish = (2 * random() - 1) * most.da + (acceleration[d] as number);
        const towards = Math.sign(speed[d] as number) * wish > cap ? Math.sign(speed[d] as number) * cap : wish;
        const bounded = Math.max(-most.a, Math.min(most.a, towards));
        const change = Math.max(-most.da, Math.min(most.da, bounded - (acceleration[d] as number)));
        acceleration[d] = (acceleration[d] as number) + change;
        speed[d] = (speed[d] as number) + (acceleration[d] as number) / hz;
        return (speed[d] as number) / hz;
      }),
    );
  }

  it('[SAFE-C1] [SAFE-C6] a trajectory that is legal passes bit for bit, over seams and at every rate', () => {
    fc.assert(
      fc.property(fc.integer(), fc.constantFrom(5, 10, 20, 50, 100), (seed, hz) => {
        const random = mulberry32(seed);
        const motion = { v: 0.25, a: 2, j: 50 };
        const limits = roomy(freeLimits(hz, motion.v, motion.a, motion.j));
        const loop = started({ limits, hz, chunkSize: 16, execute: 8 });
        const steps = legal(random, hz, motion, 96);
        const turns = legal(random, hz, { v: 1, a: 8, j: 200 }, 96);
        const state = HOME.slice();
        for (let n = 0; n < 80; n++) {
          if (n % 8 === 0) {
            const rows = Array.from({ length: 16 }, (_, k) => [
              ...(steps[n + k] as number[]),
              ...(turns[n + k] as number[]),
              0.5,
            ]);
            loop.observe(state, n);
            expect(loop.adopt(chunk(Float32Array.from(rows.flat()), state, n, n)).score).toBe(1);
          }
          const r = loop.tick(n, null);
          expect(r.kind).toBe('action');
          expect([...r.values]).toEqual([...r.proposed]);
          expect([r.flags, r.clamped]).toEqual([0, false]);
          for (let d = 0; d < 6; d++) {
            expect(r.values[d]).toBeCloseTo((d < 3 ? steps : turns)[n]?.[d % 3] as number, 7);
            state[d] = (state[d] as number) + (r.values[d] as number);
          }
        }
      }),
      { numRuns: 40 },
    );
  });

  it('[SAFE-C4] what is too fast keeps its direction, translation and rotation apart', () => {
    const component = fc.double({ min: -0.2, max: 0.2, noNaN: true });
    fc.assert(
      fc.property(component, component, component, component, component, component, (x, y, z, a, b, c) => {
        const loop = started({ limits: roomy(freeLimits(10, 0.05, 2, 1e5)) });
        const step = Float32Array.of(x, y, z, a, b, c);
        loop.adopt(chunk(constantChunk([...step, 1]), HOME, 0, 0));
        const { values } = loop.tick(0, null);
        for (const from of [0, 3]) {
          const want = step.subarray(from, from + 3);
          const got = values.subarray(from, from + 3);
          const k = Math.hypot(...got) / Math.hypot(...want);
          if (!(Math.hypot(...want) > 1e-6)) continue;
          expect(k).toBeGreaterThan(0);
          got.forEach((value, d) => {
            expect(Math.abs(value - k * (want[d] as number))).toBeLessThanOrEqual(1e-7 * Math.hypot(...want));
          });
        }
      }),
    );
  });

  it('[SAFE-C5] a target that stands is reached in finite time, and not overshot where jerk does not bind', () => {
    fc.assert(
      fc.property(logarithmic(5, 100), logarithmic(0.02, 0.25), logarithmic(0.005, 0.045), (hz, v, far) => {
        const goal = Math.fround(far);
        const ticks = Math.ceil(hz * (goal / v + 1) + 10);
        const loop = started({ limits: freeLimits(hz, v, 8 * v, 1e6), hz, chunkSize: ticks, execute: 1 });
        const actions = new Float32Array(7 * ticks);
        actions[0] = goal;
        loop.adopt(chunk(actions, HOME, 0, 0));
        let x = 0;
        for (let n = 0; n < ticks; n++) {
          x += loop.tick(n, null).values[0] as number;
          expect(x).toBeLessThanOrEqual(goal * (1 + 1e-9));
        }
        expect(x / goal).toBeCloseTo(1, 6);
      }),
      { numRuns: 40 },
    );
  });

  it('[SAFE-C6] a clamp is told exactly where what is sent is not what was proposed', () => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const random = mulberry32(seed);
        const keep_out = [{ center: [0.1, 0, 0.1], radius: 0.05 }] as const;
        const loop = started({ limits: { ...freeLimits(20, 0.25, 2, 50), keep_out }, hz: 20, minSafetyScore: 0 });
        for (let n = 0; n < 60; n++) {
          if (n % 4 === 0) {
            const step = [0.03 * (random() - 0.3), 0.03 * (random() - 0.5), 0.02 * (random() - 0.5)];
            loop.adopt(chunk(constantChunk([...step, 0, 0, 0.3 * random(), 1.3 * random()]), HOME, n, n));
          }
          const r = loop.tick(n, null);
          if (r.kind === 'hold') continue;
          const same = r.values.every((value, i) => Object.is(value, r.proposed[i]));
          expect((r.flags & CLAMP_FLAGS) !== 0).toBe(!same);
        }
      }),
    );
  });

  it('[SAFE-C7] what is commanded after a tick is what was before it and what was sent', () => {
    const loop = started({ chunkSize: 24, execute: 24 });
    loop.adopt(chunk(constantChunk([0.04, -0.01, 0.003, 0.02, 0, 0.05, 1], 24), HOME, 0, 0));
    let before = loop.plan(0, 1).startPose!;
    for (let n = 0; n < 20; n++) {
      const { values } = loop.plan(n, 1);
      const after = loop.plan(n + 1, 1).startPose!;
      for (let d = 0; d < 6; d++) {
        expect((after[d] as number) - (before[d] as number) - (values[d] as number)).toBeCloseTo(0, 14);
      }
      before = after;
    }
  });
});
