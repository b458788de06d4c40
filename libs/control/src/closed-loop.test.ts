import { describe, expect, it } from 'vitest';
import { ControlLoop } from './control-loop.js';
import type { ControlSpec } from './control-spec.js';
import { tabletopSpec } from './testing/kit.js';
import { copyWorld, expertChunk, lifted, move, newWorld, type World } from './testing/point-robot.js';

interface Outcome {
  success: number;
  meanTicks: number;
}

/**
 * Runs episodes with every observation arriving `delay` ticks after it was made, as over a slow link. `misjudge` adds to the age
 * the server believes: a wrong clock. `known: false`: no observation re-anchors after the first.
 */
function run(delay: number, change: Partial<ControlSpec> = {}, misjudge = 0, known = true, episodes = 120): Outcome {
  let success = 0;
  let ticks = 0;
  for (let seed = 0; seed < episodes; seed++) {
    const world = newWorld(seed);
    const loop = new ControlLoop(tabletopSpec(change));
    const link: World[] = [];
    loop.observe(world.state, 0);
    let n = 0;
    for (; n < 120 && !lifted(world); n++) {
      link.push(copyWorld(world));
      const seen = link[n - delay];
      if (seen !== undefined) {
        const base = n - delay - misjudge;
        if (known && base >= 0) loop.observe(seen.state, base);
        if (loop.wantsInference(n)) {
          const actions = expertChunk(seen, 8);
          loop.adopt({ actions, state: seen.state, baseTick: base, nextTick: n, ref: n });
        }
      }
      move(world, loop.tick(n, null).values);
    }
    if (lifted(world)) {
      success++;
      ticks += n;
    }
  }
  return { success: success / episodes, meanTicks: ticks / Math.max(1, success) };
}

describe('a grasping task under delay', () => {
  it.each([0, 1, 2, 3])(
    '[L3] way-points, re-anchored, lift the block every time although frames are %i ticks old',
    (delay) => {
      const { success, meanTicks } = run(delay);
      expect(success).toBeGreaterThanOrEqual(0.98);
      expect(meanTicks).toBeLessThan(28 + delay);
    },
  );

  it('[L3] without re-anchoring the same task suffers: the test can tell', () => {
    // The robot stops at its own limits while the loop believes it moved on.
    const pushed = (known: boolean) => {
      const world = newWorld(5);
      const loop = new ControlLoop(tabletopSpec());
      loop.observe(world.state, 0);
      for (let n = 0; n < 60; n++) {
        const seen = copyWorld(world);
        // Somebody nudges the robot.
        if (n === 6) world.state[0] = (world.state[0] as number) + 0.04;
        if (known) loop.observe(seen.state, n);
        if (loop.wantsInference(n)) {
          loop.adopt({ actions: expertChunk(seen, 8), state: seen.state, baseTick: n, nextTick: n, ref: n });
        }
        move(world, loop.tick(n, null).values);
        if (lifted(world)) return true;
      }
      return false;
    };
    expect(pushed(true)).toBe(true);
    expect(pushed(false)).toBe(false);
  });

  it('[L1] an age guessed a tick too low costs time, a tick too high costs the task', () => {
    const right = run(3);
    const low = run(3, {}, -1);
    const high = run(3, {}, 1);
    expect(low.success).toBeGreaterThanOrEqual(0.95);
    expect(low.meanTicks).toBeGreaterThan(1.2 * right.meanTicks);
    expect(high.success).toBeLessThan(0.9);
  });

  it.each(['weighted', 'temporal_ensemble'] as const)(
    '[L4] %s reaches its targets too, re-planning every tick',
    (blend) => {
      for (const delay of [0, 2]) expect(run(delay, { blend, execute: 1 }).success).toBeGreaterThanOrEqual(0.95);
    },
  );

  it('[L4] deltas by age serve a policy whose state holds no pose', () => {
    const action = { ...tabletopSpec().action, pose: null };
    expect(run(0, { action }).success).toBeGreaterThanOrEqual(0.95);
    expect(run(3, { action }).success).toBeLessThan(run(3).success);
  });

  it.each(['ema', 'one_euro'] as const)('[F1] %s smoothing slows the task but does not lose it', (smoothing) => {
    const { success, meanTicks } = run(0, { smoothing });
    expect(success).toBeGreaterThanOrEqual(0.9);
    expect(meanTicks).toBeGreaterThan(run(0).meanTicks);
  });
});
