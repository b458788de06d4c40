import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { expertAction } from '../table/expert.js';
import { step } from '../table/physics.js';
import { createWorld, type Start } from '../table/scene.js';
import { depth, project } from './projection.js';
import { FRAME_BYTES, Renderer } from './render.js';

const renderer = new Renderer();

function frameOf(seed: number, start: Start, ticks: number): Uint8Array {
  const world = createWorld(seed, start);
  const action = new Float64Array(7);
  for (let i = 0; i < ticks; i++) {
    expertAction(world, action);
    step(world, action);
  }
  const frame = new Uint8Array(FRAME_BYTES);
  renderer.render(world, frame);
  return frame;
}

describe('Renderer', () => {
  // The policy was trained on exactly these pictures: a change of the camera asks for a new training. The sums are those
  // of an independent implementation of the same camera in C.
  it('draws the frames that the policy knows, bit for bit', () => {
    for (const [start, golden] of Object.entries(GOLDEN)) {
      const sum = createHash('sha256');
      for (let seed = 0; seed < 24; seed++) sum.update(frameOf(seed * 104_729, start as Start, (seed % 4) * 6));
      expect(sum.digest('hex').slice(0, 16), start).toBe(golden);
    }
  });

  it('sees a place of the table where the camera’s geometry has it', () => {
    const polygon = new Float64Array(2);
    project(0, 0.01, 0.03, polygon, 0);
    expect([...polygon]).toEqual([96, 96].map((px) => expect.closeTo(px, 9)));
    expect(depth(0, 0.01, 0.03)).toBeCloseTo(Math.hypot(0.47, 0.53), 9);
    project(0.1, 0.01, 0.03, polygon, 0);
    expect(polygon[0]).toBeCloseTo(96 + (2 * 140 * 0.1) / Math.hypot(0.47, 0.53), 9);
  });

  it('draws a fresh noise every tick and the same frame for the same tick', () => {
    expect(frameOf(3, 'home', 2)).toEqual(frameOf(3, 'home', 2));
    const [a, b] = [createWorld(3), createWorld(3)];
    b.tick = 1;
    const [frameA, frameB] = [new Uint8Array(FRAME_BYTES), new Uint8Array(FRAME_BYTES)];
    renderer.render(a, frameA);
    renderer.render(b, frameB);
    expect(frameA).not.toEqual(frameB);
    expect(Math.max(...frameA.map((value, i) => Math.abs(value - frameB[i]!)))).toBeLessThanOrEqual(10);
  });
});

const GOLDEN = { home: 'b579e17bd05f3eb2', anywhere: 'cfb92b33e110a257', scattered: '8f79ad1205c270ce' };
