import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll } from 'vitest';
import { registerPythonExamples } from './run-examples.js';

const run = promisify(execFile);
const dir = mkdtempSync(join(tmpdir(), 'sinew-venv-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

/** As the examples' README says: a virtual environment with the two libraries, from the package index. `.ci/services` makes one. */
registerPythonExamples(async () => {
  const made = process.env.SINEW_TEST_PYTHON;
  if (made !== undefined) return made;
  const venv = join(dir, 'venv');
  await run('python3', ['-m', 'venv', venv]);
  const python = join(venv, 'bin', 'python');
  await run(python, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', 'websockets', 'msgpack']);
  return python;
});
