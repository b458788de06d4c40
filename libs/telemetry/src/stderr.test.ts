import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

// The built file: what is tested is how a real process ends.
const LOGGER = fileURLToPath(new URL('../dist/logger.js', import.meta.url));

function child(script: string) {
  const source = `import { createLogger } from ${JSON.stringify(LOGGER)}; const log = createLogger('t', 'info'); ${script}`;
  return spawn(process.execPath, ['--input-type=module', '-e', source], { stdio: ['pipe', 'pipe', 'pipe'] });
}

it('a process whose reader is gone still ends, with lines to write', async () => {
  const process = child(`
    process.stdin.on('end', () => {
      log.info('one');
      log.info('two');
      process.exit(7);
    });
    process.stdin.resume();
    console.log('up');`);
  await once(process.stdout, 'data');
  process.stderr.destroy();
  process.stdin.end();
  expect(await once(process, 'exit')).toEqual([7, null]);
});

it('a reader who does not read holds nobody up', async () => {
  const process = child(`
    for (let i = 0; i < 5000; i++) log.info('x'.repeat(1000));
    console.log('done');
    setTimeout(() => process.exit(0), 10);`);
  process.stderr.pause();
  await once(process.stdout, 'data');
  expect(await once(process, 'exit')).toEqual([0, null]);
});

it('the last line before an exit arrives', async () => {
  const process = child(`log.fatal('the reason'); process.exit(1);`);
  let text = '';
  process.stderr.on('data', (part) => {
    text += part;
  });
  await once(process, 'close');
  expect(text).toContain('"msg":"the reason"');
});
