import { expect, test } from 'vitest';
import { faultLine } from './fault-line.js';

const TRACEBACK = 'Traceback (most recent call last):\n  File "x.py", line 3\n    raise ValueError("bad luck")\n';

test.each([
  ['out of memory\nmore about it', 'out of memory'],
  [`${TRACEBACK}ValueError: bad luck\n`, 'ValueError: bad luck'],
  [`${TRACEBACK}torch.cuda.OutOfMemoryError\n`, 'torch.cuda.OutOfMemoryError'],
  // Triton's Python backend: words before, a place behind.
  [
    `Failed to process: ${TRACEBACK}ValueError: bad luck\n\n\nAt:\n  /1/model.py(501): execute\n`,
    'ValueError: bad luck',
  ],
  ['', ''],
])('%j is told as %j', (text, line) => {
  expect(faultLine(text)).toBe(line);
});

test('a long line is cut', () => {
  expect(faultLine('x'.repeat(10_000))).toHaveLength(300);
});
