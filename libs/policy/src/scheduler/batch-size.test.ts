import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { efficientBatch } from './batch-size.js';

const SIZES = [1, 2, 4, 8, 16, 32];
const linear = (fixedMs: number, eachMs: number) =>
  SIZES.map((batch) => ({ batch, inferMs: fixedMs + eachMs * batch }));

describe('[Q2] the batch size', () => {
  test('is the largest where a batch costs little more than one', () => {
    expect(efficientBatch(linear(8, 1.2), 32)).toBe(32);
    // 18 ms alone, 39 ms for 24: published figures of a 7 B model
    expect(
      efficientBatch(
        [1, 2, 4, 8, 16, 24].map((batch) => ({ batch, inferMs: 17.087 + 0.913 * batch })),
        24,
      ),
    ).toBe(24);
  });

  test('is small where a larger batch takes as much longer as it is larger', () => {
    expect(efficientBatch(linear(0, 10), 32)).toBe(1);
    // `tabletop-v1` on one core
    const tabletop = [1.12, 1.04, 0.986, 0.883, 0.87, 0.868];
    expect(
      efficientBatch(
        SIZES.map((batch, i) => ({ batch, inferMs: batch * (tabletop[i] ?? 0) })),
        32,
      ),
    ).toBe(8);
  });

  test('is large where there is hardly anything to compute: each batch costs something by itself', () => {
    expect(efficientBatch(linear(0, 0.001), 32)).toBe(32);
  });

  test('is what the operator allows at most, and that where nothing was measured', () => {
    expect(efficientBatch(linear(8, 1.2), 6)).toBe(6);
    expect(efficientBatch([], 6)).toBe(6);
    expect(efficientBatch([{ batch: 4, inferMs: 20 }], 4)).toBe(4);
  });

  test('never costs more than seven hundredths of the throughput', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0.01, max: 500, noNaN: true }), { minLength: 6, maxLength: 6 }), (ms) => {
        const measured = SIZES.map((batch, i) => ({ batch, inferMs: ms[i] ?? 0 }));
        const perSecond = (size: number) => {
          const { inferMs } = measured.find(({ batch }) => batch === size) ?? { inferMs: Number.NaN };
          return size / (inferMs + 0.25);
        };
        expect(perSecond(efficientBatch(measured, 32))).toBeGreaterThanOrEqual(
          0.93 * Math.max(...SIZES.map(perSecond)) - 1e-9,
        );
      }),
    );
  });
});
