import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { registerPythonExamples } from './run-examples.js';

// `npm run test:services` installs what is missing into a virtual environment of its own; here what is there is used.
const found = spawnSync('python3', ['-c', 'import msgpack, websockets.sync.client'], { encoding: 'utf8' });

if (found.status === 0) registerPythonExamples(async () => 'python3');
else {
  const missing = found.error === undefined ? 'no websockets and msgpack for python3' : 'no python3';
  test.skip(`NOT RUN, the Python examples: ${missing} here (npm run test:services installs them)`, () => {
    expect.unreachable();
  });
}
