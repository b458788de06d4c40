import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { OptionTable } from './option.js';
import { readOptions } from './read-options.js';

const TABLE = {
  robots: { type: 'integer', default: 4, min: 1, max: 100, help: '' },
  ratio: { type: 'number', default: 0.5, min: 0, help: '' },
  sim: { type: 'boolean', default: true, help: '' },
  pacing: { type: 'choice', default: 'paced', choices: ['paced', 'chunked'], help: '' },
  policies: { type: 'list', default: ['a'], help: '' },
  api_key: { type: 'string', default: null, secret: true, help: '' },
  database_url: {
    type: 'url',
    default: null,
    env: 'DATABASE_URL',
    protocols: ['postgres:'],
    secret: true,
    help: '',
  },
} as const satisfies OptionTable;

const read = (argv: string[], env: Record<string, string> = {}) => readOptions(TABLE, { argv, env });
const messages = (argv: string[], env: Record<string, string> = {}) => read(argv, env).errors.map((e) => e.message);

describe('readOptions', () => {
  it('a flag wins over the environment, which wins over the default', () => {
    expect(read([]).values.robots).toBe(4);
    expect(read([], { SINEW_ROBOTS: '7' }).values.robots).toBe(7);
    expect(read(['--robots', '9'], { SINEW_ROBOTS: '7' }).values.robots).toBe(9);
  });

  it('takes --x value, --x=value, --x and --no-x, and keeps positional words in order', () => {
    const { values, rest, errors } = read([
      'list',
      '--robots=3',
      '--no-sim',
      '--pacing',
      'chunked',
      'acme',
      '--',
      '--x',
    ]);
    expect(errors).toEqual([]);
    expect(values).toMatchObject({ robots: 3, sim: false, pacing: 'chunked' });
    expect(rest).toEqual(['list', 'acme', '--x']);
    expect(read(['--sim', 'word']).rest).toEqual(['word']);
  });

  it('an empty environment variable counts as not set', () => {
    expect(read([], { SINEW_ROBOTS: '' })).toMatchObject({ values: { robots: 4 }, errors: [] });
  });

  it('says which options were given', () => {
    expect([...read(['--ratio', '1'], { SINEW_ROBOTS: '7' }).given].sort()).toEqual(['ratio', 'robots']);
  });

  it.each([
    [['--robots', '0'], '--robots must be a whole number from 1 to 100, not "0"'],
    [['--robots', '1.5'], '--robots must be a whole number from 1 to 100, not "1.5"'],
    [['--robots', ' '], '--robots must be a whole number from 1 to 100, not " "'],
    [['--ratio', 'NaN'], '--ratio must be a number of at least 0, not "NaN"'],
    [['--ratio', '-1'], '--ratio must be a number of at least 0, not "-1"'],
    [['--sim=maybe'], '--sim must be true or false, not "maybe"'],
    [['--pacing', 'fast'], '--pacing must be one of paced, chunked, not "fast"'],
    [['--policies', 'a,,b'], '--policies must be a comma-separated list, not "a,,b"'],
    [['--robots'], '--robots needs a value: a whole number from 1 to 100'],
    [['--robots', '--sim'], '--robots needs a value: a whole number from 1 to 100'],
    [['--robtos', '3'], '--robtos is not known here; did you mean --robots?'],
    [['--entirely-else'], '--entirely-else is not known here'],
  ])('%j is refused with what is allowed', (argv, message) => {
    expect(messages(argv)).toEqual([message]);
  });

  it('a bad environment variable is named as such', () => {
    expect(messages([], { SINEW_ROBOTS: 'many' })).toEqual([
      'SINEW_ROBOTS must be a whole number from 1 to 100, not "many"',
    ]);
  });

  it('never repeats a secret', () => {
    expect(messages([], { DATABASE_URL: 'mysql://u:hunter2@h/db' })).toEqual([
      'DATABASE_URL must be a URL starting with postgres://',
    ]);
  });

  it('the default stands in for a bad value, so that errors can still be reported well', () => {
    expect(read(['--robots', 'x']).values.robots).toBe(4);
  });

  it('never throws, and yields only values the table allows, whatever is typed', () => {
    const word = fc.oneof(
      fc.string(),
      fc.constantFrom('--robots', '--sim', '--no-sim', '--pacing=', '--ratio', '--', '1e9'),
    );
    fc.assert(
      fc.property(fc.array(word, { maxLength: 8 }), fc.string(), (argv, env) => {
        const { values } = read(argv, { SINEW_ROBOTS: env, SINEW_RATIO: env });
        expect(Number.isInteger(values.robots) && values.robots >= 1 && values.robots <= 100).toBe(true);
        expect(values.ratio).toBeGreaterThanOrEqual(0);
        expect(['paced', 'chunked']).toContain(values.pacing);
      }),
    );
  });
});
