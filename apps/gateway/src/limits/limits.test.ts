import { createMemoryState } from '@sinew/cache';
import { describe } from 'vitest';
import { registerLimitTests } from '../testing/limit-tests.js';

describe('with one memory', () => {
  registerLimitTests(async () => {
    const state = createMemoryState(() => performance.now());
    return { a: state, b: state, contents: async () => null, close: () => state.close() };
  });
});
