import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

// The built file: what is tested is what a real process writes.
const LOGGER = fileURLToPath(new URL('../dist/logger.js', import.meta.url));

/** The lines that a process writes which runs `script` with a `log`. */
function logged(script: string): { text: string; lines: Record<string, unknown>[] } {
  const source = `import { createLogger } from ${JSON.stringify(LOGGER)}; const log = createLogger('t', 'info'); ${script}`;
  const { stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', source], { encoding: 'utf8' });
  return {
    text: stderr,
    lines: stderr
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line)),
  };
}

const DRIVER_ERROR = `
  class ReplyError extends Error {}
  const error = Object.assign(new ReplyError('WRONGPASS invalid password'), {
    code: 'E1',
    command: { name: 'auth', args: ['default', 'hunter2'] },
    detail: 'Failing row contains (hunter2).',
    client: { connectionParameters: { password: 'hunter2' } },
  });`;

describe('errors in the log', () => {
  it('keep type, message, stack and code, and nothing of what their drivers hang on them', () => {
    const { text, lines } = logged(`${DRIVER_ERROR} log.error({ err: error }, 'away');`);
    expect(text).not.toContain('hunter2');
    expect(lines).toEqual([
      expect.objectContaining({
        msg: 'away',
        err: {
          type: 'ReplyError',
          message: 'WRONGPASS invalid password',
          stack: expect.stringContaining('WRONGPASS'),
          code: 'E1',
        },
      }),
    ]);
  });

  it.each([
    ['as the only argument', 'log.error(error)'],
    ['under another name', "log.error({ cause: error }, 'away')"],
    ['of a child logger', "log.child({ err: error }).error('away')"],
    ['as the cause of another', "log.error(new Error('outer', { cause: error }))"],
    ['among several', "log.error(new AggregateError([error], 'all failed'))"],
  ])('%s', (_where, call) => {
    const { text, lines } = logged(`${DRIVER_ERROR} ${call};`);
    expect(lines).toHaveLength(1);
    expect(text).not.toContain('hunter2');
  });

  it('of a query: what went wrong, without the parameters that its message lists', () => {
    const { text, lines } = logged(`
      class DrizzleQueryError extends Error {}
      const cause = Object.assign(new Error('value too long'), { code: '22001' });
      log.error({ err: new DrizzleQueryError('Failed query: insert\\nparams: hunter2', { cause }) }, 'refused');`);
    expect(text).not.toContain('hunter2');
    expect(lines).toMatchObject([{ err: { message: 'value too long', code: '22001' } }]);
  });

  it('what is no error passes as it is', () => {
    expect(logged("log.info({ err: 'away', n: 1 }, 'm')").lines).toMatchObject([{ err: 'away', n: 1 }]);
  });
});

it('secrets by their names are not written, one level down neither', () => {
  const { text } = logged("log.info({ token: 'hunter2', open: { resume_token: 'hunter2' } }, 'm')");
  expect(text).not.toContain('hunter2');
});
