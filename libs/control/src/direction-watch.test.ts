import { describe, expect, it } from 'vitest';
import { askedDirection, BASE_AXES, DirectionWatch } from './direction-watch.js';

const step = (x: number, y: number, z: number, gripper: number) => Float64Array.of(x, y, z, 0, 0, 0, gripper);

describe('the direction that words ask for', () => {
  it.each([
    ['move the red cube to the left', 'left'],
    ['push the block to the right', 'right'],
    ['slide the green block to the left side', 'left'],
    ['please move the red cube right', 'right'],
    ['put the cube on the right side', 'right'],
    ['push the cup forward', 'forward'],
    ['pull the drawer back', 'back'],
    ['lift the cube', 'up'],
    ['move the lid upwards', 'up'],
    ['lower the hook', 'down'],
    ['pick up the left cube', null],
    ['open the left drawer', null],
    ['put the cup to the left of the plate', null],
    ['move the cube left and then right', null],
    ['pick up the red cube', null],
    ['put the back cover in the box', null],
    ['turn the bottle upside down', null],
  ])('of %j is %s', (text, asked) => expect(askedDirection(text)).toBe(asked));
});

/** Feeds `count` ticks of the same step, the first of them `from`. */
function feed(watch: DirectionWatch, from: number, count: number, values: Float64Array): number {
  for (let i = 0; i < count; i++) watch.tick(from + i, values);
  return from + count;
}

describe('what was carried', () => {
  it('[R4] against the words it is a mismatch, along them it is none', () => {
    const watch = new DirectionWatch('move the cube to the left', 8);
    const next = feed(watch, 5, 10, step(0, -0.01, 0, 0));
    expect(watch.finding()).toMatchObject({ asked: 'left', heldTicks: 10, mismatch: true });
    expect(watch.finding()?.along).toBeCloseTo(-0.1);
    feed(watch, next, 30, step(0, 0.01, 0, 0));
    expect(watch.finding()).toMatchObject({ heldTicks: 40, mismatch: false });
  });

  it('[R4] counts only while the gripper is closed: going right to fetch what goes left is no mismatch', () => {
    const watch = new DirectionWatch('move the cube to the left', 8);
    const next = feed(watch, 0, 50, step(0, -0.02, 0, 1));
    expect(watch.finding()).toBeNull();
    feed(watch, next, 10, step(0, 0.01, 0, 0.1));
    expect(watch.finding()).toMatchObject({ heldTicks: 10, mismatch: false });
  });

  it('[R4] sideways is no mismatch, nor are a few millimetres', () => {
    const watch = new DirectionWatch('move the cube to the left', 8);
    feed(watch, 0, 40, step(0.01, -0.001, 0, 0));
    expect(watch.finding()).toMatchObject({ mismatch: false });
  });

  it('[R4] a policy may say where left is', () => {
    const axes = { ...BASE_AXES, forward: [0, 1, 0], left: [-1, 0, 0] } as const;
    const watch = new DirectionWatch('move the cube to the left', 8, axes);
    feed(watch, 0, 10, step(-0.02, 0, 0, 0));
    expect(watch.finding()).toMatchObject({ mismatch: false });
    watch.begin('move the cube to the right');
    expect(watch.finding()).toBeNull();
    feed(watch, 10, 10, step(-0.02, 0, 0, 0));
    expect(watch.finding()).toMatchObject({ asked: 'right', mismatch: true });
  });

  it('[R4] a tick that is planned anew counts once, as it was planned last', () => {
    const watch = new DirectionWatch('move the cube to the left', 8);
    feed(watch, 0, 8, step(0, 0.01, 0, 0));
    feed(watch, 4, 8, step(0, 0.02, 0, 0));
    expect(watch.finding()?.heldTicks).toBe(12);
    expect(watch.finding()?.along).toBeCloseTo(4 * 0.01 + 8 * 0.02);
    feed(watch, 12, 100, step(0, 0, 0, 1));
    feed(watch, 110, 2, step(0, -1, 0, 0));
    expect(watch.finding()).toMatchObject({ heldTicks: 14, mismatch: true });
  });

  it('[R4] missing ticks carried nothing, and ticks may begin anew', () => {
    const watch = new DirectionWatch('lift the cube', 8);
    watch.tick(3, step(0, 0, 0.1, 0));
    watch.tick(40, step(0, 0, 0.1, 0));
    expect(watch.finding()?.along).toBeCloseTo(0.2);
    watch.tick(38, step(0, 0, 0.05, 0));
    expect(watch.finding()?.along).toBeCloseTo(0.15);
    watch.tick(0, step(0, 0, 0.3, 0));
    expect(watch.finding()).toMatchObject({ heldTicks: 1, mismatch: false });
  });
});
