import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { INSTRUCTION_CATEGORIES, instructionCategory, normaliseInstruction } from './instruction.js';

describe('normalising an instruction', () => {
  test.each([
    ['Pick up the RED cube!', 'pick up the red cube'],
    ['  pick\tup the \n red cube ', 'pick up the red cube'],
    ['pick up the operator’s cup', 'pick up the operators cup'],
    ['ｐｕｓｈ the cube', 'push the cube'],
    ['left-most cube', 'left most cube'],
  ])('%j becomes %j', (raw, normal) => {
    expect(normaliseInstruction(raw)).toBe(normal);
  });

  test('is idempotent and never leaves white space at the ends or twice in a row', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        const once = normaliseInstruction(text);
        expect(once).not.toMatch(/^\s|\s$|\s\s/);
        expect(normaliseInstruction(once)).toBe(once);
      }),
    );
  });
});

describe('the category of an instruction', () => {
  test.each([
    ['pick up the red cube and put it into the blue bowl', 'pick_and_place'],
    ['put the green cube on the tray', 'place'],
    ['grasp the yellow block', 'pick'],
    ['push the purple cube to the left', 'push'],
    ['stack the cups', 'stack'],
    ['open the drawer', 'open'],
    ['move to the home pose', 'move'],
    ['sing a song', 'other'],
    ['', 'other'],
  ])('%j is %s', (text, category) => {
    expect(instructionCategory(text)).toBe(category);
  });

  test('is always one of the listed ones and the same for the normalised text', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(INSTRUCTION_CATEGORIES).toContain(instructionCategory(text));
        expect(instructionCategory(normaliseInstruction(text))).toBe(instructionCategory(text));
      }),
    );
  });
});
