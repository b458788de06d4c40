import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';

const MODULE = new URL('../bin/one-at-a-time.js', import.meta.url).href;

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'sinew-turn-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

/** Takes a turn, notes when it begins and ends, and leaves by `end`. */
async function worker(end: string): Promise<void> {
  const script = `
    import { appendFileSync } from 'node:fs';
    import { takeTurn } from '${MODULE}';
    const note = (what) => appendFileSync('${dir}/life', what + ' ' + process.pid + '\\n');
    const release = await takeTurn('${dir}/turn', () => undefined);
    note('begins');
    await new Promise((resolve) => setTimeout(resolve, 20));
    note('ends');
    ${end}`;
  await once(spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: 'inherit' }), 'exit');
}

it('two first commands at once take turns, also after one that was killed or gave up', async () => {
  writeFileSync(join(dir, 'turn'), '999999999'); // of a process that is gone
  const kill = "process.kill(process.pid, 'SIGKILL'); await new Promise(() => setInterval(() => undefined, 1000));";
  await Promise.all(['release();', kill, 'process.exit(1);', 'release();'].map(worker));
  await worker('release();');
  const life = readFileSync(join(dir, 'life'), 'utf8').trim().split('\n');
  expect(life).toHaveLength(10);
  for (let i = 0; i < life.length; i += 2) {
    const pid = life[i]?.split(' ')[1];
    expect([life[i], life[i + 1]]).toEqual([`begins ${pid}`, `ends ${pid}`]);
  }
  expect(readdirSync(dir)).toEqual(['life']);
});
