import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { access, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { progress } from '../command.js';

const run = promisify(execFile);
const FOLDER = fileURLToPath(new URL('../../python', import.meta.url));
const INSTALL_MS = 300_000;

export const PYTHON_SERVER = join(FOLDER, 'server.py');

export type Python = { readonly ok: true; readonly path: string } | { readonly ok: false; readonly reason: string };

/**
 * A Python that has what `bench/python/requirements.txt` names: the given one, or of a virtual environment that is made in
 * `cache` the first time.
 */
export async function findPython(given: string | null, cache: string): Promise<Python> {
  const requirements = join(FOLDER, 'requirements.txt');
  try {
    if (given !== null) return await usable(given);
    const hash = createHash('sha256')
      .update(await readFile(requirements))
      .digest('hex')
      .slice(0, 12);
    const folder = join(cache, `python-${hash}`);
    const path = join(folder, 'bin', 'python');
    const done = join(folder, 'installed');
    const installed = await access(done).then(
      () => true,
      () => false,
    );
    if (!installed) {
      progress(`installing ${requirements} into ${folder}`);
      await mkdir(cache, { recursive: true });
      await run('python3', ['-m', 'venv', '--clear', folder], { timeout: INSTALL_MS });
      const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--requirement', requirements];
      await run(path, pip, { timeout: INSTALL_MS });
      await writeFile(done, '');
    }
    return await usable(path);
  } catch (error) {
    const { message, stderr = '' } = error as Error & { stderr?: string };
    return { ok: false, reason: stderr.trim().split('\n').at(-1) || message };
  }
}

async function usable(path: string): Promise<Python> {
  await run(path, ['-c', 'import msgpack, numpy, onnxruntime, websockets.asyncio.server'], { timeout: 60_000 });
  return { ok: true, path };
}
