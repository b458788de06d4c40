import { describe, expect, it } from 'vitest';
import { CLOSE_CODES, ERROR_CODES, ERRORS, SinewError } from './index.js';

describe('the table of errors', () => {
  it('says of each code what it means, and names only known close codes', () => {
    for (const code of ERROR_CODES) {
      const { meaning, http, close } = ERRORS[code];
      expect(meaning, code).toMatch(/^[A-Z].*\.$/);
      expect(http, code).toBeGreaterThanOrEqual(400);
      if (close !== null) expect(CLOSE_CODES[close], code).toBeDefined();
    }
  });

  it('gives every fatal code a close code', () => {
    for (const code of ERROR_CODES) if (ERRORS[code].fatal) expect(ERRORS[code].close, code).not.toBeNull();
  });

  it('makes typed errors that carry what to do', () => {
    const error = new SinewError('capacity', undefined, { details: { free_hz: 4 } });
    expect(error).toMatchObject({
      code: 'capacity',
      retry: true,
      details: { free_hz: 4 },
      message: ERRORS.capacity.meaning,
    });
    expect('field' in error).toBe(false);
    expect(new SinewError('unknown_robot').retry).toBe(false);
  });
});
