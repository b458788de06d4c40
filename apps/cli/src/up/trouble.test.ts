import { expect, it } from 'vitest';
import { readable, TroubleFilter } from './trouble.js';

const line = (level: number, msg: string, err?: string): string =>
  JSON.stringify({ level, msg, ...(err === undefined ? {} : { err: { message: err } }) });

it('shows warnings and worse, with their cause, and nothing else', () => {
  const filter = new TroubleFilter();
  expect(filter.pick('gateway', line(30, 'session closed'), 0)).toBeNull();
  expect(filter.pick('gateway', 'Warning: something experimental', 0)).toBeNull();
  expect(filter.pick('shipper', line(50, 'cannot store', 'connection refused'), 0)).toBe(
    'shipper: error: cannot store (connection refused)',
  );
});

it('does not repeat itself for ten seconds', () => {
  const filter = new TroubleFilter();
  expect(filter.pick('a', line(40, 'slow'), 0)).toBe('a: warning: slow');
  expect(filter.pick('a', line(40, 'slow'), 9999)).toBeNull();
  expect(filter.pick('b', line(40, 'slow'), 9999)).toBe('b: warning: slow');
  expect(filter.pick('a', line(40, 'slow'), 10_000)).toBe('a: warning: slow');
});

it('makes last words readable: messages of structured lines, raw lines as they are, no chatter', () => {
  expect(readable([line(30, 'starting'), line(60, 'cannot start', 'no bundle'), 'Error: boom', '{"level":30'])).toEqual(
    ['cannot start: no bundle', 'Error: boom', '{"level":30'],
  );
});
