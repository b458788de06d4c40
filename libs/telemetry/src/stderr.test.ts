import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

// The built file: what is tested is how a real process ends.
const LOGGER = fileURLToPath(new URL('../dist/logger.js', import.meta.url));

function child(script: string) {
  const source = `import { createLogger } from ${JSON.stringify(LOGGER)}; const log = createLogger('t', 'info'); ${script}`;
  return spawn(process.execPath, ['--input-type=module', '-e', source], { stdio: ['ignore', 'pipe', 'pipe'] });
}

it('a process that logs into a broken pipe still ends', async () => {
  const process = child(`
    setInterval(() => log.info('x'.repeat(5000)), 1);
    setTimeout(() => process.exit(7), 300);
    console.log('up');`);
  await once(process.stdout, 'data');
  process.stderr.destroy();
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
