import fc from 'fast-check';
import { expect, test } from 'vitest';
import { jpegHeader } from '../testing/image-headers.js';
import { findValidator } from '../validators/table.js';
import { QUALITY_GATES } from '../validators/validator.js';
import { checkActionValues } from './action-values.js';
import { GATES } from './quality-gates.js';

const image = (data: Uint8Array) => ({ kind: 'encoded', data }) as const;
const REFUSED: Record<(typeof QUALITY_GATES)[number], readonly (string | null)[]> = {
  robot_type: [GATES.robot_type('UNKNOWN'), GATES.robot_type('hal9000')],
  action_vector: [
    GATES.action_vector(Float32Array.of(Number.NaN), null),
    GATES.action_vector(Float32Array.of(1.2), [true]),
  ],
  safety_score: [GATES.safety_score(0.69), GATES.safety_score(Number.NaN)],
  duplicate: [GATES.duplicate('duplicate'), GATES.duplicate('answered'), GATES.duplicate('running')],
  instruction: [GATES.instruction('go'), GATES.instruction('word '.repeat(101))],
  image: [GATES.image(image(jpegHeader(63, 64))), GATES.image(image(new Uint8Array(1023)))],
};

test.each(QUALITY_GATES)('the gate %s refuses by rules of its own', (gate) => {
  for (const id of REFUSED[gate]) expect(findValidator(id ?? '')?.gate, String(id)).toBe(gate);
});

test('what is right passes all six', () => {
  expect([
    GATES.robot_type('panda'),
    GATES.action_vector(Float32Array.of(0.5, 40), [true, false]),
    GATES.safety_score(0.7),
    GATES.duplicate('new'),
    GATES.instruction('pick up the red cube'),
    GATES.image(image(jpegHeader(64, 64))),
  ]).toEqual([null, null, null, null, null, null]);
});

test('an instruction refused for what it asks is the safety rules’, not the gate’s', () => {
  expect(GATES.instruction('hit the man with it')).toBeNull();
});

test('numbers pass exactly if finite and, where normalised, within ±1.1', () => {
  const value = fc.oneof(fc.float(), fc.float({ min: Math.fround(-1.5), max: 1.5, noNaN: true }));
  fc.assert(
    fc.property(
      fc.array(value, { maxLength: 30 }),
      fc.array(fc.boolean(), { minLength: 1, maxLength: 7 }),
      (v, mask) => {
        const actions = Float32Array.from(v);
        const fine = actions.every(
          (x, i) => Number.isFinite(x) && !(mask[i % mask.length] && Math.abs(x) > Math.fround(1.1)),
        );
        expect(checkActionValues(actions, mask) === null).toBe(fine);
      },
    ),
  );
});
