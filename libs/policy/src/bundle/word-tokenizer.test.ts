import { expect, test } from 'vitest';
import { WordTokenizer } from './word-tokenizer.js';

const words = ['<pad>', '<unk>', 'pick', 'up', 'the', 'red', 'block', "robot's"];
const tokenizer = new WordTokenizer(words, { length: 6, pad: '<pad>', unknown: '<unk>' });

test.each<[string, number[]]>([
  ['pick up the red block', [2, 3, 4, 5, 6, 0]],
  ['  Pick UP,\nthe red-block!', [2, 3, 4, 5, 6, 0]],
  ['pick up the purple block', [2, 3, 4, 1, 6, 0]],
  ["the robot's block", [4, 7, 6, 0, 0, 0]],
  ['', [0, 0, 0, 0, 0, 0]],
  ['?!', [0, 0, 0, 0, 0, 0]],
  ['<pad> red', [1, 5, 0, 0, 0, 0]],
  ['the the the the the the the block', [4, 4, 4, 4, 4, 4]],
])('%j', (text, ids) => {
  expect([...tokenizer.encode(text)]).toEqual(ids);
});

test('a repeated instruction costs nothing, and the memory of instructions is bounded', () => {
  const first = tokenizer.encode('red');
  expect(tokenizer.encode('red')).toBe(first);
  for (let i = 0; i < 3_000; i++) tokenizer.encode(`red ${i}`);
  expect(tokenizer.encode('red')).not.toBe(first);
  expect(tokenizer.encode('red')).toEqual(first);
});
