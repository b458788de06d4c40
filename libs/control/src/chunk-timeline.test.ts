import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ControlLoop } from './control-loop.js';
import type { ControlSpec } from './control-spec.js';
import { slackMs } from './slack.js';
import { chunk, constantChunk, tabletopSpec } from './testing/kit.js';

const REST = Float64Array.of(0, 0, 0.1, 0, 0, 0, 1);

function started(change: Partial<ControlSpec> = {}, state = REST): ControlLoop {
  const loop = new ControlLoop(tabletopSpec(change));
  loop.observe(state, 0);
  return loop;
}

/** A chunk whose way-points all lie `x` away. */
function towards(x: number, gripper = 1): Float32Array {
  const actions = new Float32Array(56);
  for (let k = 0; k < 8; k++) actions[k * 7 + 6] = gripper;
  actions[0] = x;
  return actions;
}

describe('the chunk timeline', () => {
  it('[L1] a late chunk loses its past: only ticks not yet sent and covered by it are used', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 30 }), fc.integer({ min: 0, max: 12 }), (baseTick, late) => {
        const loop = started();
        const nextTick = baseTick + late;
        const answer = loop.adopt(chunk(constantChunk([0.001, 0, 0, 0, 0, 0, 1]), REST, baseTick, nextTick, 9));
        expect(answer.adopted).toBe(late < 8);
        if (!answer.adopted) expect(answer.reason).toBe('expired');
        expect(answer.usable).toBe(Math.max(0, 8 - late));
        for (let n = nextTick; n < nextTick + 10; n++) {
          const r = loop.tick(n, null);
          expect(r.kind).toBe(n < baseTick + 8 ? 'action' : 'hold');
          if (r.kind === 'action') expect([r.ref, r.baseTick]).toEqual([9, baseTick]);
          else expect([r.reason, r.ref]).toEqual(['starved', -1]);
        }
      }),
    );
  });

  it('[L1] an older observation never replaces a newer one', () => {
    const loop = started();
    expect(loop.adopt(chunk(towards(0), REST, 3, 3)).adopted).toBe(true);
    expect(loop.adopt(chunk(towards(0), REST, 2, 3))).toMatchObject({ adopted: false, reason: 'expired', usable: 8 });
    expect(loop.adopt(chunk(towards(0), REST, Number.NaN, 3)).adopted).toBe(false);
  });

  it('[L2] an inference is wanted when the execution horizon is over, or earlier where nothing would be left', () => {
    const loop = started({ execute: 4 });
    expect(loop.wantsInference(0)).toBe(true);
    loop.adopt(chunk(towards(0), REST, 0, 0));
    expect([0, 1, 2, 3, 4, 5].map((n) => loop.wantsInference(n))).toEqual([false, false, false, false, true, true]);
    // An inference that takes two ticks has to start two ticks earlier.
    expect([0, 1, 2, 3].map((n) => loop.wantsInference(n, 2))).toEqual([false, false, true, true]);
    const late = started({ execute: 8 });
    late.adopt(chunk(towards(0), REST, 0, 5));
    expect([5, 6, 7, 8].map((n) => late.wantsInference(n))).toEqual([false, false, false, true]);
    expect(late.remaining(6)).toBe(2);
  });

  it('[L2] a longer horizon in force puts the asking off, but never until nothing is left', () => {
    const loop = started({ execute: 4 });
    loop.adopt(chunk(towards(0), REST, 0, 0));
    const asks = (s: number, lead: number) => [...Array(9).keys()].find((n) => loop.wantsInference(n, lead, s));
    expect([4, 6, 8].map((s) => asks(s, 0))).toEqual([4, 6, 8]);
    expect([4, 6, 8].map((s) => asks(s, 2))).toEqual([2, 4, 6]);
  });

  /** Ticks `from` … `to` − 1. */
  const run = (loop: ControlLoop, from: number, to: number) => {
    for (let n = from; n < to; n++) loop.tick(n, null);
  };
  /** Which entry of a chunk is executed at `n`. */
  const entryAt = (loop: ControlLoop, n: number) => n - loop.tick(n, null).baseTick;
  const UNAGED = { holdsAgeNothing: true, execute: 8 } as const;

  it('[L8] a chunk that comes to a robot that was held since its observation begins with its first entry', () => {
    for (const [spec, entry] of [
      [UNAGED, 0],
      [{ execute: 8 }, 3],
    ] as const) {
      const loop = started(spec);
      loop.adopt(chunk(towards(0), REST, 0, 0));
      run(loop, 0, 12);
      // Seen before tick 10, when it stood for two ticks; come before tick 13.
      expect(loop.tick(12, null).kind).toBe('hold');
      const answer = loop.adopt(chunk(towards(0), REST, 10, 13, 5));
      expect(answer).toMatchObject({ adopted: true, usable: 8 - entry });
      expect(entryAt(loop, 13)).toBe(entry);
    }
  });

  it('[L8] actions since the observation do age it, holds after them do not', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 8 }), fc.integer({ min: 0, max: 7 }), (seen, late) => {
        const loop = started(UNAGED);
        loop.adopt(chunk(towards(0), REST, 0, 0));
        run(loop, 0, seen + late);
        const answer = loop.adopt(chunk(towards(0), REST, seen, seen + late, 5));
        const acted = Math.max(0, Math.min(seen + late, 8) - seen);
        expect(answer).toMatchObject({ adopted: true, usable: 8 - acted });
        expect(entryAt(loop, seen + late)).toBe(acted);
      }),
    );
  });

  it('[L8] what is newer, and when a chunk expires, goes by the observations’ own ticks', () => {
    const loop = started(UNAGED);
    loop.adopt(chunk(towards(0), REST, 0, 0));
    run(loop, 0, 13);
    expect(loop.adopt(chunk(towards(0), REST, 5, 13))).toMatchObject({ adopted: false, reason: 'expired' });
    expect(loop.adopt(chunk(towards(0), REST, 9, 13, 5)).adopted).toBe(true);
    run(loop, 13, 14);
    expect(loop.adopt(chunk(towards(0), REST, 8, 14)).adopted).toBe(false);
    // Older than where the chunk before begins by its own count, and yet newer than what that saw.
    expect(loop.adopt(chunk(towards(0), REST, 10, 14, 6))).toMatchObject({ adopted: true });
  });

  it('[L8] before anything was sent nothing is known to have stood', () => {
    const loop = started(UNAGED);
    expect(loop.adopt(chunk(towards(0), REST, 0, 3))).toMatchObject({ adopted: true, usable: 5 });
  });

  it('[L8] a plan counts by the clock: it runs ahead of what is played', () => {
    const loop = started(UNAGED);
    loop.adopt(chunk(towards(0), REST, 0, 0));
    loop.plan(0, 8);
    run(loop, 8, 12);
    expect(loop.adopt(chunk(towards(0), REST, 10, 12))).toMatchObject({ adopted: true, usable: 6 });
  });

  it('[L3] an emitted step is way-point less commanded pose, so what was clamped or lost is caught up', () => {
    const loop = started();
    loop.adopt(chunk(towards(0.04), REST, 0, 0));
    expect(loop.tick(0, null).values[0]).toBeCloseTo(0.025, 8);
    expect(loop.tick(1, null).values[0]).toBeCloseTo(0.015, 8);
    expect(loop.tick(2, null).values[0]).toBeCloseTo(0, 8);
    // The observation before tick 2 shows that the last step never happened.
    loop.observe(Float64Array.of(0.025, 0, 0.1, 0, 0, 0, 1), 2);
    expect(loop.tick(3, null).values[0]).toBeCloseTo(0.015, 8);
  });

  it('[L3] measured angles that wrap at π do not turn the robot round', () => {
    const loop = started({}, Float64Array.of(0, 0, 0.1, 0, 0, 3.1, 1));
    const state = Float64Array.of(0, 0, 0.1, 0, 0, 3.1, 1);
    loop.adopt(chunk(constantChunk([0, 0, 0, 0, 0, 0.05, 1]), state, 0, 0));
    let yaw = 3.1;
    for (let n = 0; n < 8; n++) {
      const step = loop.tick(n, null).values[5] as number;
      expect(step).toBeCloseTo(0.05, 6);
      yaw += step;
      const wrapped = yaw > Math.PI ? yaw - 2 * Math.PI : yaw;
      loop.observe(Float64Array.of(0, 0, 0.1, 0, 0, wrapped, 1), n + 1);
    }
  });

  it('[L3] rotation vectors compose: a tool at any attitude is turned by exactly what was asked', () => {
    const action = { ...tabletopSpec().action, rotation: 'rotvec' as const };
    const state = Float64Array.of(0, 0, 0.1, 1, -0.7, 2, 1);
    const loop = started({ action }, state);
    loop.adopt(chunk(constantChunk([0, 0, 0, 0.03, -0.02, 0.05, 1]), state, 0, 0));
    for (let n = 0; n < 8; n++) {
      const values = [...loop.tick(n, null).values];
      for (const [i, want] of [0.03, -0.02, 0.05].entries()) expect(values[3 + i]).toBeCloseTo(want, 6);
    }
  });

  it('[L4] weighted puts 0.7 of the new chunk over what stood there', () => {
    const loop = started({ blend: 'weighted' });
    loop.adopt(chunk(towards(0.01), REST, 0, 0));
    loop.adopt(chunk(towards(0.02), REST, 1, 1));
    expect(loop.tick(1, null).values[0]).toBeCloseTo(0.3 * 0.01 + 0.7 * 0.02, 8);
  });

  it('[L4] temporal ensemble weighs e^(−0.3·age), the newest most', () => {
    const loop = started({ blend: 'temporal_ensemble', execute: 1 });
    const xs = [0.002, 0.012, 0.017];
    for (const [n, x] of xs.entries()) loop.adopt(chunk(towards(x), REST, n, n));
    const weights = [0.6, 0.3, 0].map((exponent) => Math.exp(-exponent));
    const total = weights.reduce((sum, w) => sum + w, 0);
    const mean = xs.reduce((sum, x, i) => sum + (x * (weights[i] as number)) / total, 0);
    expect(loop.tick(2, null).values[0]).toBeCloseTo(mean, 8);
  });

  it('[L4] [L8] the age in the ensemble is of the observations, however long the robot was held', () => {
    const loop = started({ ...UNAGED, blend: 'temporal_ensemble', execute: 1 });
    loop.adopt(chunk(towards(0), REST, 0, 0));
    run(loop, 0, 13);
    loop.adopt(chunk(towards(0.002), REST, 10, 13, 5));
    expect(loop.tick(13, null).values[0]).toBeCloseTo(0.002, 8);
    // Seen two ticks later, and yet its first entry is for the tick before that of the other's.
    loop.adopt(chunk(towards(0.012), REST, 12, 14, 6));
    const weight = Math.exp(-0.3 * 2);
    expect(loop.tick(14, null).values[0]).toBeCloseTo((0.012 + 0.002 * weight) / (1 + weight) - 0.002, 8);
  });

  it('[L4] latest uses nothing but the newest chunk', () => {
    const loop = started();
    loop.adopt(chunk(towards(0.01), REST, 0, 0));
    loop.adopt(chunk(towards(0.02), REST, 1, 1));
    expect(loop.tick(1, null).values[0]).toBeCloseTo(0.02, 8);
  });

  it.each(['latest', 'weighted', 'temporal_ensemble'] as const)('[L5] %s never averages the gripper', (blend) => {
    const loop = started({ blend, execute: 1 });
    loop.adopt(chunk(towards(0, 1), REST, 0, 0));
    loop.adopt(chunk(towards(0, 0.25), REST, 1, 1));
    expect(loop.tick(1, null).values[6]).toBe(0.25);
  });

  it('[L6] the seam between two chunks is measured at the tick where they meet', () => {
    const loop = started();
    expect(loop.adopt(chunk(towards(0.01), REST, 0, 0)).seam).toBe(0);
    const next = chunk(towards(0.025), REST, 2, 3);
    expect(loop.judge(next).seam).toBeCloseTo(0.015, 8);
    expect(loop.adopt(next).seam).toBeCloseTo(0.015, 8);
  });

  it('[L6] slack is the time until the last usable entry, less the expected latency', () => {
    expect(slackMs(1000, 1050, 3, 100, 80)).toBe(1050 + 300 - 1000 - 80);
    expect(slackMs(1000, 1000, 0, 100, 80)).toBe(-80);
  });

  it('[L6] judging a chunk changes nothing', () => {
    const judged = started({ blend: 'temporal_ensemble', execute: 1 });
    const plain = started({ blend: 'temporal_ensemble', execute: 1 });
    for (let n = 0; n < 30; n++) {
      const next = chunk(constantChunk([0.002 * Math.sin(n), 0, 0, 0, 0, 0, 1]), REST, n, n);
      for (let i = 0; i < 5; i++) judged.judge(chunk(constantChunk([Number.NaN, 9, 0, 0, 0, 0, 1]), REST, n, n));
      expect(judged.judge(next)).toEqual(plain.adopt(next));
      judged.adopt(next);
      expect([...judged.tick(n, null).values]).toEqual([...plain.tick(n, null).values]);
    }
  });
});
