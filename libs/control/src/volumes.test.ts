import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FLAG } from './flags.js';
import { mulberry32 } from './testing/kit.js';
import { distance, norm, Vec3 } from './vec3.js';
import { TcpEnvelope, type Volume } from './volumes.js';

const at = (x: number, y: number, z: number) => new Vec3().set(x, y, z);
const number = fc.double({ min: -1, max: 1, noNaN: true });
const point = fc.tuple(number, number, number);

const volume: fc.Arbitrary<Volume> = fc.oneof(
  fc.tuple(point, fc.tuple(number, number, number)).map(([center, half]): Volume => {
    const size = half.map((x) => 0.02 + Math.abs(x) / 2) as [number, number, number];
    return {
      min: [center[0] - size[0], center[1] - size[1], center[2] - size[2]],
      max: [center[0] + size[0], center[1] + size[1], center[2] + size[2]],
    };
  }),
  fc.tuple(point, number).map(([center, r]): Volume => ({ center, radius: 0.02 + Math.abs(r) / 2 })),
  fc
    .tuple(point, number)
    .filter(([n]) => Math.hypot(...n) > 0.01)
    .map(([[x, y, z], offset]): Volume => {
      const size = Math.hypot(x, y, z);
      return { normal: [x / size, y / size, z / size], offset };
    }),
);

/** Depth by definition, written anew: how far a point is from leaving the region. */
function depthOf(v: Volume, [x, y, z]: readonly number[] | [number, number, number]): number {
  const p = [x, y, z] as number[];
  if ('radius' in v) return v.radius - Math.hypot(...v.center.map((c, i) => (p[i] as number) - c));
  if ('normal' in v) return v.offset - v.normal.reduce((sum, n, i) => sum + n * (p[i] as number), 0);
  return Math.min(...v.min.map((lo, i) => Math.min((p[i] as number) - lo, (v.max[i] as number) - (p[i] as number))));
}

const along = (a: readonly number[], b: readonly number[], t: number) =>
  a.map((x, i) => x + t * ((b[i] as number) - x)) as [number, number, number];

describe('keep-outs on a segment', () => {
  it('[SAFE-B6] a segment is allowed exactly where no point of it is deeper than its start', () => {
    fc.assert(
      fc.property(volume, point, point, (v, a, b) => {
        const envelope = new TcpEnvelope(null, [v]);
        const start = Math.max(0, depthOf(v, a));
        let deepest = Number.NEGATIVE_INFINITY;
        for (let i = 0; i <= 1000; i++) deepest = Math.max(deepest, depthOf(v, along(a, b, i / 1000)));
        const allowed = envelope.allows(at(...a), at(...b), 1e-12);
        // A sample of the line finds the deepest point up to the line's length over the number of samples.
        if (deepest > start + 1e-9) expect(allowed).toBe(false);
        else if (deepest < start - 4e-3) expect(allowed).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it('[SAFE-B6] the free share ends where the region begins', () => {
    fc.assert(
      fc.property(volume, point, point, (v, a, b) => {
        const envelope = new TcpEnvelope(null, [v]);
        const from = at(...a);
        const to = at(...b);
        fc.pre(depthOf(v, a) <= 0);
        const share = envelope.free(from, to, 0);
        expect(share).toBeGreaterThanOrEqual(0);
        if (share >= 1) {
          expect(envelope.allows(from, to, 1e-9)).toBe(true);
          return;
        }
        const stop = along(a, b, share);
        expect(Math.abs(depthOf(v, stop))).toBeLessThanOrEqual(1e-9 / Math.max(1e-3, distance(from, to)));
        expect(envelope.allows(from, at(...stop), 1e-9)).toBe(true);
      }),
      { numRuns: 1000 },
    );
  });

  it('[SAFE-B8] from inside, all that is allowed gets no deeper, and straight out is allowed', () => {
    fc.assert(
      fc.property(volume, point, fc.integer(), (v, a, seed) => {
        fc.pre(depthOf(v, a) > 1e-6);
        const envelope = new TcpEnvelope(null, [v]);
        const from = at(...a);
        const random = mulberry32(seed);
        let deepest = 0;
        for (let i = 0; i < 50; i++) {
          const b = a.map((x) => x + 2 * random() - 1) as [number, number, number];
          if (!envelope.allows(from, at(...b), 1e-12)) continue;
          for (let t = 0; t <= 20; t++) deepest = Math.max(deepest, depthOf(v, along(a, b, t / 20)));
        }
        expect(deepest).toBeLessThanOrEqual(depthOf(v, a) + 1e-9);
        const out = outward(v, a);
        expect(envelope.allows(from, at(...along(a, out, 1)), 1e-12)).toBe(true);
        expect(envelope.inside(from)).toBe(false);
      }),
      { numRuns: 300 },
    );
  });

  it('[SAFE-B6] a projected step may always be gone, and is the step itself where nothing is in the way', () => {
    const box = { min: [-0.5, -0.5, -0.5], max: [0.5, 0.5, 0.5] } as const;
    fc.assert(
      fc.property(fc.array(volume, { maxLength: 4 }), point, point, (volumes, a, b) => {
        const envelope = new TcpEnvelope(box, volumes);
        const from = at(...a);
        const step = at(...b);
        const out = new Vec3();
        const flags = envelope.project(from, step, out);
        const end = new Vec3().addScaled(from, out, 1);
        expect(envelope.allows(from, end, 1e-11)).toBe(true);
        const free = envelope.allows(from, new Vec3().addScaled(from, step, 1), 0);
        if (free && envelope.inside(from)) {
          expect(flags).toBe(0);
          expect(out).toEqual(step);
        }
        if (flags === 0) expect(out).toEqual(step);
      }),
      { numRuns: 1000 },
    );
  });

  it('[SAFE-N3] what is not finite is never allowed, and never comes out of a projection unbounded', () => {
    const envelope = new TcpEnvelope({ min: [-1, -1, -1], max: [1, 1, 1] }, [
      { min: [0, 0, 0], max: [0.1, 0.1, 0.1] },
      { center: [0.5, 0.5, 0.5], radius: 0.1 },
      { normal: [0, 0, 1], offset: -0.5 },
    ]);
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      expect(envelope.allows(at(-0.2, 0.3, 0.2), at(bad, 0.05, 0.05), 0)).toBe(false);
      expect(envelope.allows(at(-0.2, 0.3, 0.2), at(0.1, bad, 0.05), 0)).toBe(false);
      const ball = new TcpEnvelope(null, [{ center: [0, 0, 0], radius: 1 }]);
      expect(ball.allows(at(2, 0, 0), at(-bad, 0, 0), 0)).toBe(false);
    }
    for (const huge of [1e30, -1e30, 1e-320]) {
      const out = new Vec3();
      envelope.project(at(-0.2, 0.3, 0.2), at(huge, huge, -huge), out);
      expect(norm(out)).toBeLessThan(4);
    }
  });
});

describe('sliding', () => {
  const plane = new TcpEnvelope(null, [{ normal: [0, 0, 1], offset: 0.02 }]);

  it('[SAFE-B6] motion into the table goes on along it', () => {
    const out = new Vec3();
    expect(plane.project(at(0, 0, 0.03), at(0.05, 0, -0.05), out)).toBe(FLAG.keep_out);
    expect([out.x, out.y]).toEqual([0.05, 0]);
    expect(out.z).toBeCloseTo(-0.01, 12);
  });

  it('[SAFE-B6] a robot that touches a region may leave it in any direction, and slide along it', () => {
    for (const v of [
      { min: [0, -1, -1], max: [1, 1, 1] },
      { center: [1, 0, 0], radius: 1 },
      { normal: [-1, 0, 0], offset: 0 },
    ] as const) {
      const envelope = new TcpEnvelope(null, [v]);
      const out = new Vec3();
      expect(envelope.project(at(0, 0, 0), at(-0.01, 0.02, 0), out)).toBe(0);
      expect(envelope.project(at(0, 0, 0), at(0.01, 0.02, 0), out)).toBe(FLAG.keep_out);
      expect(out.x).toBeCloseTo(0, 12);
      expect(out.y).toBeCloseTo(0.02, 12);
    }
  });
});

/** The nearest point of the region's surface, well beyond it. */
function outward(v: Volume, a: readonly [number, number, number]): [number, number, number] {
  if ('radius' in v) {
    const size = Math.hypot(...v.center.map((c, i) => (a[i] as number) - c));
    return a.map((x, i) => x + (2 * (x - (v.center[i] as number))) / size) as [number, number, number];
  }
  if ('normal' in v) return a.map((x, i) => x + 2 * (v.normal[i] as number)) as [number, number, number];
  let best: [number, number, number] = [...a];
  let least = Infinity;
  for (const axis of [0, 1, 2] as const) {
    for (const [side, bound] of [
      [-1, v.min[axis]],
      [1, v.max[axis]],
    ] as const) {
      const gap = side * (bound - a[axis]);
      if (gap >= least) continue;
      least = gap;
      best = [...a];
      best[axis] = bound + side;
    }
  }
  return best;
}
