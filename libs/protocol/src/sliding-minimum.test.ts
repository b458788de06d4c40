import fc from 'fast-check';
import { expect, it } from 'vitest';
import { SlidingMinimum } from './sliding-minimum.js';

it('is the smallest of the last values, whatever their order', () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.integer({ min: -3, max: 3 }), fc.double({ noNaN: true, noDefaultInfinity: true })), {
        maxLength: 60,
      }),
      fc.integer({ min: 1, max: 9 }),
      (values, size) => {
        const window = new SlidingMinimum(size);
        values.forEach((value, i) => {
          window.push(value);
          expect(window.value === Math.min(...values.slice(Math.max(0, i + 1 - size), i + 1))).toBe(true);
        });
      },
    ),
  );
});

it('knows nothing before the first value', () => {
  expect(new SlidingMinimum(4).value).toBe(Number.POSITIVE_INFINITY);
});
