import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { TickResult } from './control-io.js';
import { ControlLoop } from './control-loop.js';
import { type ControlSpec, ControlSpecError, checkSpec } from './control-spec.js';
import { CLAMP_FLAGS, FLAG, flagNames } from './flags.js';
import {
  Auditor,
  anyMotionLimits,
  chunk,
  constantChunk,
  freeLimits,
  logarithmic,
  mulberry32,
  tabletopSpec,
} from './testing/kit.js';

const HOME = Float64Array.of(0, 0, 0.1, 0, 0, 0, 1);
const STEP = [0.01, 0, 0, 0, 0, 0.02, 0.5];

function started(change: Partial<ControlSpec> = {}): ControlLoop {
  const loop = new ControlLoop(tabletopSpec(change));
  loop.observe(HOME, 0);
  return loop;
}

function moving(change: Partial<ControlSpec> = {}): ControlLoop {
  const loop = started(change);
  loop.adopt(chunk(constantChunk(STEP), HOME, 0, 0));
  return loop;
}

const zero = (r: TickResult) => r.values.subarray(0, 6).every((x) => x === 0);

/** Numbers no policy should answer, and some it could. */
function wildNumber(random: () => number): number {
  const pick = random();
  if (pick < 0.02) return Number.NaN;
  if (pick < 0.03) return Number.POSITIVE_INFINITY;
  if (pick < 0.05) return 3e38 * (random() - 0.5);
  if (pick < 0.1) return 1e-42;
  return (random() - 0.5) * 10 ** (4 * random() - 3);
}

const wildSession = fc.record({
  seed: fc.integer(),
  motion: anyMotionLimits,
  hz: logarithmic(1, 100),
  blend: fc.constantFrom('latest' as const, 'weighted' as const, 'temporal_ensemble' as const),
  smoothing: fc.constantFrom('none' as const, 'ema' as const, 'one_euro' as const),
  rotation: fc.constantFrom('euler_xyz' as const, 'rotvec' as const),
});

/** A session in which everything goes wrong; `look` sees every tick. */
function runWild(
  session: typeof wildSession extends fc.Arbitrary<infer T> ? T : never,
  look: (n: number, r: TickResult, at: Float64Array) => void,
  ticks = 300,
): void {
  const { seed, motion, hz, blend, smoothing, rotation } = session;
  const random = mulberry32(seed);
  const limits = freeLimits(hz, motion.v, motion.a, motion.j);
  const spec = tabletopSpec({ limits, hz, blend, smoothing, execute: 2 });
  const loop = new ControlLoop({ ...spec, action: { ...spec.action, rotation } });
  const state = Float64Array.of(0, 0, 0.1, 0, 0, 0, 1);
  let n = 0;
  for (let i = 0; i < ticks; i++) {
    if (random() < 0.03) n += 1 + Math.floor(random() * 5);
    if (random() < 0.6) loop.observe(random() < 0.05 ? state.map(() => Number.NaN) : state, n);
    if (random() < 0.4) {
      const sane = random() < 0.6;
      const size = motion.v / hz;
      const actions = Float32Array.from({ length: 56 }, () =>
        sane ? (random() - 0.5) * 3 * size : wildNumber(random),
      );
      const baseTick = n - Math.floor(random() * 5);
      loop.adopt(chunk(random() < 0.02 ? actions.subarray(1) : actions, state, baseTick, n, i));
    }
    const cause =
      random() < 0.1 ? (['estop', 'stale', 'draining', 'model_error'] as const)[Math.floor(random() * 4)] : null;
    const r = loop.tick(n, cause ?? null);
    for (let d = 0; d < 3; d++) state[d] = (state[d] as number) + (r.values[d] as number);
    if (rotation === 'euler_xyz') for (let d = 3; d < 6; d++) state[d] = (state[d] as number) + (r.values[d] as number);
    look(n, r, state);
    n++;
  }
}

describe('a control loop under abuse', () => {
  it('[K1] emits finite actions of the right length with the gripper in [0, 1], whatever goes in', () => {
    fc.assert(
      fc.property(wildSession, (session) => {
        let right = true;
        runWild(session, (_n, { values }) => {
          const gripper = values[6] as number;
          right &&= values.length === 7 && values.every(Number.isFinite) && gripper >= 0 && gripper <= 1;
        });
        expect(right).toBe(true);
      }),
      { numRuns: 25 },
    );
  });

  it('[K2] never commands a pose outside the box, drift against the measured state counted', () => {
    fc.assert(
      fc.property(wildSession, (session) => {
        let furthest = 0;
        runWild(session, (_n, _r, at) => {
          for (let d = 0; d < 3; d++) furthest = Math.max(furthest, Math.abs(at[d] as number));
        });
        expect(furthest).toBeLessThanOrEqual(0.3 + 1e-9);
      }),
      { numRuns: 25 },
    );
  });

  it('[K3] keeps speed, acceleration and jerk across seams, holds, e-stops and missing ticks', () => {
    fc.assert(
      fc.property(wildSession, (session) => {
        const { v, a, j } = session.motion;
        const translation = new Auditor(session.hz, { v, a, j });
        const rotation = new Auditor(session.hz, { v: 4 * v, a: 4 * a, j: 4 * j });
        runWild(session, (n, r) => {
          expect(r.flags & FLAG.emergency).toBe(0);
          translation.step(n, [...r.values.subarray(0, 3)]);
          rotation.step(n, [...r.values.subarray(3, 6)]);
        });
        for (const { worst } of [translation, rotation]) {
          expect(worst.v).toBeLessThanOrEqual(1 + 1e-9);
          expect(worst.a).toBeLessThanOrEqual(1 + 1e-9);
          expect(worst.j).toBeLessThanOrEqual(1 + 1e-9);
        }
      }),
      { numRuns: 25 },
    );
  });

  it('[K8] says clamped exactly where what was sent is not what was proposed', () => {
    fc.assert(
      fc.property(wildSession, (session) => {
        runWild(session, (_n, r) => {
          if (r.kind === 'hold') return;
          const same = r.values.every((value, i) => Object.is(value, r.proposed[i]));
          expect(r.clamped).toBe(!same);
          expect((r.flags & CLAMP_FLAGS) !== 0).toBe(!same);
        });
      }),
      { numRuns: 25 },
    );
  });

  it('[K10] the same calls give the same bits', () => {
    fc.assert(
      fc.property(wildSession, (session) => {
        const record = () => {
          const all: number[] = [];
          runWild(session, (_n, r) => all.push(...r.values, ...r.proposed, r.flags, r.score, r.ref), 100);
          return Float64Array.from(all);
        };
        expect(record()).toEqual(record());
      }),
      { numRuns: 10 },
    );
  });
});

describe('holds', () => {
  it('[K5] nothing moves before the first observation, although a chunk is there', () => {
    const loop = new ControlLoop(tabletopSpec());
    loop.adopt(chunk(constantChunk(STEP), HOME, 0, 0));
    for (let n = 0; n < 3; n++) {
      const r = loop.tick(n, null);
      expect([r.kind, r.reason, zero(r)]).toEqual(['hold', 'starved', true]);
    }
  });

  it.each([
    ['a NaN', (a: Float32Array) => a.fill(Number.NaN, 20, 21), 'not_finite'],
    ['an infinity', (a: Float32Array) => a.fill(Number.NEGATIVE_INFINITY, 55, 56), 'not_finite'],
    ['a number beyond any robot', (a: Float32Array) => a.fill(1e30, 3, 4), 'not_finite'],
    ['a missing number', (a: Float32Array) => a.subarray(1), 'wrong_length'],
    ['no numbers', () => new Float32Array(), 'wrong_length'],
  ] as const)('[N1] a chunk with %s is refused whole and changes nothing', (_name, spoil, reason) => {
    const spoiled = moving();
    const clean = moving();
    const actions = spoil(constantChunk([0.02, 0, 0, 0, 0, 0, 0]));
    const answer = spoiled.adopt(chunk(actions, HOME, 1, 1));
    expect(answer).toMatchObject({ adopted: false, reason, score: 0 });
    expect(answer.flags & FLAG.rejected).not.toBe(0);
    for (let n = 0; n < 8; n++) {
      const a = spoiled.tick(n, null);
      const b = clean.tick(n, null);
      expect(a).toEqual(b);
    }
    // With nothing left but refused chunks, it says why.
    expect(spoiled.tick(8, null).reason).toBe('safety');
  });

  it('[N1] an observation that is not finite does not move the anchor', () => {
    const loop = moving();
    loop.observe(Float64Array.of(0, Number.NaN, 0, 0, 0, 0, 0), 0);
    loop.observe(Float64Array.of(0, 0), 0);
    loop.observe(HOME, 0.5);
    expect(loop.tick(0, null)).toEqual(moving().tick(0, null));
  });

  it('[N2] five refused chunks in a row hold until an observation made afterwards, and until a chunk from it', () => {
    const loop = moving();
    loop.tick(0, null);
    const garbage = (n: number) => loop.adopt(chunk(new Float32Array(56).fill(Number.NaN), HOME, n, n));
    for (let i = 0; i < 4; i++) garbage(1);
    expect(loop.tick(1, null).kind).toBe('action');
    garbage(2);
    expect(loop.tick(2, null)).toMatchObject({ kind: 'hold', reason: 'safety' });
    loop.observe(HOME, 1);
    expect(loop.tick(3, null).reason).toBe('safety');
    loop.observe(HOME, 4);
    expect(loop.adopt(chunk(constantChunk(STEP), HOME, 1, 4)).reason).toBe('expired');
    expect(loop.adopt(chunk(constantChunk(STEP), HOME, 4, 4)).adopted).toBe(true);
    expect(loop.tick(4, null).kind).toBe('action');
  });

  it('[N2] an accepted chunk ends the count', () => {
    const loop = moving();
    for (let i = 0; i < 12; i++) {
      loop.adopt(chunk(new Float32Array(56).fill(Number.NaN), HOME, 0, 0));
      if (i % 4 === 3) loop.adopt(chunk(constantChunk(STEP), HOME, 0, 0));
    }
    expect(loop.tick(0, null).kind).toBe('action');
  });

  it('[K6] an e-stop wins over everything at its tick, and afterwards only a fresh chunk moves the robot', () => {
    const loop = moving();
    loop.tick(0, null);
    const stop = loop.tick(1, 'estop');
    expect([stop.kind, stop.reason, zero(stop)]).toEqual(['hold', 'estop', true]);
    // A chunk inferred before the release does not count, whenever it arrives.
    expect(loop.adopt(chunk(constantChunk(STEP), HOME, 1, 2)).reason).toBe('expired');
    loop.tick(2, 'estop');
    expect(loop.tick(3, null)).toMatchObject({ kind: 'hold', reason: 'starved' });
    loop.observe(HOME, 4);
    loop.adopt(chunk(constantChunk(STEP), HOME, 4, 4));
    expect(loop.tick(4, null).kind).toBe('action');
  });

  it('[K6] an e-stop released while still braking brakes to rest first', () => {
    const limits = freeLimits(50, 1, 2, 1e6);
    const loop = new ControlLoop(tabletopSpec({ limits, hz: 50 }));
    loop.observe(HOME, 0);
    loop.adopt(chunk(constantChunk([0.003, 0, 0, 0, 0, 0, 1]), HOME, 0, 0));
    for (let n = 0; n < 4; n++) loop.tick(n, null);
    loop.tick(4, 'estop');
    loop.observe(HOME, 5);
    loop.adopt(chunk(constantChunk([0.003, 0, 0, 0, 0, 0, 1]), HOME, 5, 5));
    const kinds = [5, 6, 7, 8].map((n) => loop.tick(n, null).kind);
    expect(kinds[0]).toBe('hold');
    expect(kinds.at(-1)).toBe('action');
  });

  it('[K6] a cause of the loop itself never hides a higher one, nor the reverse', () => {
    const loop = moving();
    expect(loop.tick(0, 'stale').reason).toBe('stale');
    for (let i = 0; i < 5; i++) loop.adopt(chunk(new Float32Array(56).fill(Number.NaN), HOME, 1, 1));
    expect(loop.tick(1, 'stale').reason).toBe('safety');
    expect(loop.tick(2, 'draining').reason).toBe('draining');
  });

  it('[K4] a hold brakes within limits, then stands, with the gripper as last sent', () => {
    const limits = freeLimits(50, 1, 2, 1e6);
    const loop = new ControlLoop(tabletopSpec({ limits, hz: 50 }));
    loop.observe(HOME, 0);
    loop.adopt(chunk(constantChunk([0.003, 0.001, 0, 0, 0, 0.01, 0.25]), HOME, 0, 0));
    let speed = 0;
    for (let n = 0; n < 8; n++) speed = loop.tick(n, null).values[0] as number;
    let ticks = 0;
    for (let n = 8; n < 40; n++) {
      const r = loop.tick(n, null);
      expect(r.values[6]).toBe(0.25);
      expect(r.values[0]).toBeLessThan(speed);
      if (!zero(r)) {
        ticks++;
        speed = r.values[0] as number;
      } else speed = Number.MIN_VALUE;
    }
    expect(ticks).toBeGreaterThan(2);
    expect(ticks).toBeLessThan(12);
  });

  it('[K5] a hold before anything was sent shows the measured gripper', () => {
    const loop = new ControlLoop(tabletopSpec());
    loop.observe(Float64Array.of(0, 0, 0.1, 0, 0, 0, 0.6), 0);
    expect(loop.tick(0, 'stale').values[6]).toBe(0.6);
  });

  it('[K3] missing ticks are a standstill: motion restarts from rest and says so', () => {
    const limits = freeLimits(50, 1, 2, 1e6);
    const loop = new ControlLoop(tabletopSpec({ limits, hz: 50, chunkSize: 40 }));
    loop.observe(HOME, 0);
    loop.adopt(chunk(constantChunk([0.004, 0, 0, 0, 0, 0, 1], 40), HOME, 0, 0));
    for (let n = 0; n < 6; n++) loop.tick(n, null);
    const r = loop.tick(9, null);
    expect(flagNames(r.flags)).toContain('restart');
    expect(r.values[0]).toBeLessThanOrEqual((2 / 50 / 50) * (1 + 1e-9));
  });

  it('[K5] a tick that does not rise moves nothing and changes nothing', () => {
    const loop = moving();
    const clean = moving();
    loop.tick(0, null);
    clean.tick(0, null);
    for (const n of [0, -1, Number.NaN, 1.5, Number.POSITIVE_INFINITY]) {
      const r = loop.tick(n, null);
      expect([r.kind, r.reason, zero(r)]).toEqual(['hold', 'safety', true]);
    }
    expect([...loop.tick(1, null).values]).toEqual([...clean.tick(1, null).values]);
  });

  it('[K5] a new episode while ticks go on brakes first, then moves by what is measured in it, however late that comes', () => {
    const limits = freeLimits(50, 1, 2, 1e6);
    const loop = new ControlLoop(tabletopSpec({ limits, hz: 50 }));
    const auditor = new Auditor(50, { v: 1, a: 2, j: 1e6 });
    loop.observe(HOME, 0);
    loop.adopt(chunk(constantChunk([0.003, 0, 0, 0, 0, 0, 1]), HOME, 0, 0));
    for (let n = 0; n < 4; n++) auditor.step(n, [...loop.tick(n, null).values.subarray(0, 3)]);
    loop.beginEpisode();
    // Made two ticks before the server heard of the reset, far away from where the robot was.
    const elsewhere = Float64Array.of(-0.2, 0.1, 0.2, 0, 0, 0, 1);
    loop.observe(elsewhere, 2);
    expect(loop.adopt(chunk(constantChunk([0.003, 0, 0, 0, 0, 0, 1]), elsewhere, 2, 4)).adopted).toBe(true);
    const kinds = [4, 5, 6, 7, 8, 9].map((n) => {
      const r = loop.tick(n, null);
      auditor.step(n, [...r.values.subarray(0, 3)]);
      expect(r.flags & FLAG.drift).toBe(0);
      return r.kind === 'hold' ? r.reason : r.kind;
    });
    expect(kinds[0]).toBe('starved');
    expect(kinds.at(-1)).toBe('action');
    expect(auditor.worst.a).toBeLessThanOrEqual(1 + 1e-9);
  });

  it('[K5] a new episode starts at rest and knows nothing of the last', () => {
    const loop = moving({ smoothing: 'one_euro' });
    for (let n = 0; n < 5; n++) loop.tick(n, null);
    loop.reset();
    expect(loop.tick(0, null)).toMatchObject({ kind: 'hold', reason: 'starved' });
    loop.reset();
    loop.observe(HOME, 0);
    loop.adopt(chunk(constantChunk(STEP), HOME, 0, 0));
    const fresh = moving({ smoothing: 'one_euro' });
    for (let n = 0; n < 8; n++) expect(loop.tick(n, null)).toEqual(fresh.tick(n, null));
  });
});

describe('what is emitted', () => {
  it('[D1] a measured pose beyond the leash is taken over and flagged', () => {
    const loop = moving();
    loop.tick(0, null);
    loop.observe(Float64Array.of(0.01 + 0.04, 0, 0.1, 0, 0, 0.02, 1), 1);
    expect(flagNames(loop.tick(1, null).flags)).not.toContain('drift');
    loop.observe(Float64Array.of(0.2, 0, 0.1, 0, 0, 0.02, 1), 2);
    const r = loop.tick(2, null);
    expect(flagNames(r.flags)).toContain('drift');
    expect(r.values[0]).toBeLessThan(0);
    loop.observe(Float64Array.of(0.2, 0, 0.1, 0, 0, 1, 1), 2);
    expect(flagNames(loop.tick(3, null).flags)).toContain('drift');
    expect(flagNames(loop.tick(4, null).flags)).not.toContain('drift');
  });

  it('[D1] the comparison is with the command of the same tick: plain delay is no drift', () => {
    const loop = started({ chunkSize: 40, execute: 40 });
    loop.adopt(chunk(constantChunk([0.005, 0, 0, 0, 0, 0, 1], 40), HOME, 0, 0));
    const sent = [0];
    for (let n = 0; n < 30; n++) {
      const r = loop.tick(n, null);
      expect(flagNames(r.flags)).not.toContain('drift');
      sent.push((sent[n] as number) + (r.values[0] as number));
      // Eight ticks late: 0.04 m behind the present command, and 20 at the end.
      const base = n - 8;
      if (base >= 0) loop.observe(Float64Array.of(sent[base] as number, 0, 0.1, 0, 0, 0, 1), base);
    }
  });

  it('[G1] the gripper passes as it is within [0, 1], is clamped beyond, and never moves on a refusal', () => {
    const loop = started();
    loop.adopt(chunk(constantChunk([0, 0, 0, 0, 0, 0, 0.43]), HOME, 0, 0));
    expect(loop.tick(0, null).values[6]).toBe(Math.fround(0.43));
    loop.adopt(chunk(constantChunk([0, 0, 0, 0, 0, 0, 1.7]), HOME, 1, 1));
    const r = loop.tick(1, null);
    expect(r.values[6]).toBe(1);
    expect(flagNames(r.flags)).toEqual(['gripper']);
    loop.adopt(chunk(constantChunk([0, 0, 0, 0, 0, 0, Number.NaN]), HOME, 2, 2));
    expect(loop.tick(2, null).values[6]).toBe(1);
  });

  it('[K7] a step too fast is slowed down in its own direction, rotation apart from translation', () => {
    const loop = started();
    loop.adopt(chunk(constantChunk([0.03, 0.04, 0, 0, 0, 0.1, 1]), HOME, 0, 0));
    const r = loop.tick(0, null);
    expect(flagNames(r.flags)).toEqual(['velocity', 'policy_dynamics']);
    expect(r.values[0]).toBeCloseTo(0.015, 9);
    expect(r.values[1]).toBeCloseTo(0.02, 9);
    expect(r.values[5]).toBe(r.proposed[5]);
  });

  it('[K8] a legal policy passes bit for bit', () => {
    const loop = moving();
    for (let n = 0; n < 8; n++) {
      const r = loop.tick(n, null);
      expect([...r.values]).toEqual([...r.proposed]);
      expect(r.values[0]).toBeCloseTo(0.01, 8);
      expect([r.flags, r.clamped, r.score, r.checksPassed]).toEqual([0, false, 1, 4]);
    }
  });

  it('[K5] a spec that cannot be governed builds no loop, and says which field', () => {
    const cases: [Partial<ControlSpec>, string][] = [
      [{ actionSpace: 'joint_delta' }, 'action_space'],
      [{ dim: 6 }, 'action_dim'],
      [{ chunkSize: 0 }, 'chunk_size'],
      [{ execute: 9 }, 'execute'],
      [{ hz: 20, limits: tabletopSpec().limits }, 'control_hz'],
      [{ action: { ...tabletopSpec().action, frame: 'tool' } }, 'action.frame'],
      [{ action: { ...tabletopSpec().action, pose: null }, smoothing: 'ema' }, 'smoothing'],
      [{ minSafetyScore: 2 }, 'min_safety_score'],
    ];
    for (const [change, field] of cases) {
      expect(checkSpec(tabletopSpec(change))?.field).toBe(field);
      expect(() => new ControlLoop(tabletopSpec(change))).toThrow(ControlSpecError);
    }
  });
});
