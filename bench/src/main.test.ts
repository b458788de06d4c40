import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parseResults } from './result.js';

const MAIN = new URL('../dist/main.js', import.meta.url).href;

function bench(...argv: string[]) {
  const run = `import { main } from ${JSON.stringify(MAIN)}; await main(process.argv.slice(1));`;
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', run, '--', ...argv], {
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
}

test('help lists every command, and an unknown one is told by exit code 2', { timeout: 90_000 }, () => {
  const { status, stdout } = bench('--help');
  expect(status).toBe(0);
  for (const name of ['load', 'micro', 'batch', 'data', 'rest', 'delay', 'smoothing', 'soak', 'report', 'compare']) {
    expect(stdout).toMatch(new RegExp(`^  ${name} `, 'm'));
  }
  expect(bench('lode').status).toBe(2);
  expect(bench('micro', '--only', 'nothing')).toMatchObject({ status: 1, stdout: '' });
});

test('what a bench prints is compared, made a page of, and fails a build where it was asked to', {
  timeout: 90_000,
}, () => {
  const dir = mkdtempSync(join(tmpdir(), 'sinew-bench-'));
  const [a, b, page] = [join(dir, 'a.json'), join(dir, 'b.json'), join(dir, 'page.html')];
  try {
    const measured = bench('micro', '--only', 'codec', '--rounds', '5', '--round-ms', '1', '--json');
    expect(measured.status).toBe(0);
    writeFileSync(a, `npm says something first\n${measured.stdout}`);
    const read = parseResults(measured.stdout);
    if (!read.ok) throw new Error(read.reason);
    const slower = read.results.map((result) => ({
      ...result,
      figures: result.figures.map((figure) => ({ ...figure, rounds: figure.rounds?.map((ns) => 1_000 * ns + ns) })),
    }));
    writeFileSync(b, slower.map((result) => `${JSON.stringify(result)}\n`).join(''));
    expect(bench('compare', a, b).status).toBe(0);
    expect(bench('compare', a, b, '--fail-on-worse').status).toBe(1);
    expect(bench('compare', a, a, '--fail-on-worse').status).toBe(0);
    expect(bench('compare', a)).toMatchObject({ status: 1, stderr: 'bench: two files are needed: A.json B.json\n' });
    expect(bench('report', a, b, '--out', page).status).toBe(0);
    expect(readFileSync(page, 'utf8')).toContain('decode a 20 KB observation');
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
});
