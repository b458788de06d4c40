#!/usr/bin/env node
// `npm test`: install and build what is missing, then vitest; arguments are passed on (`npm test -- libs/control`).
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { bootstrap, ROOT } from './bootstrap.js';

await bootstrap();
const vitest = join(ROOT, 'node_modules/vitest/vitest.mjs');
const config = join(ROOT, '.config/vitest.config.ts');
const child = spawn(process.execPath, [vitest, 'run', '--config', config, ...process.argv.slice(2)], {
  cwd: ROOT,
  stdio: 'inherit',
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
child.once('exit', (code) => process.exit(code ?? 1));
