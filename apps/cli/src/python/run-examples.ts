import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const SINEW = fileURLToPath(new URL('../../bin/sinew.js', import.meta.url));
const EXAMPLES = fileURLToPath(new URL('../../../../libs/sdk/examples/python/', import.meta.url));
const run = promisify(execFile);
/** For what has to end by itself. */
const PATIENCE_MS = 60_000;

interface Ready {
  readonly http: string;
  readonly ws: string;
  readonly api_key: string;
}

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * The examples as a newcomer runs them: a whole instance, its demo key, and Python with nothing but two stock libraries.
 * @param python the interpreter that has them; asked when the tests begin.
 */
export function registerPythonExamples(python: () => Promise<string>): void {
  describe('Python with stock libraries', { timeout: 2 * PATIENCE_MS }, () => {
    let interpreter: string;
    let dir: string;
    let instance: ChildProcess;
    let ready: Ready;

    beforeAll(async () => {
      interpreter = await python();
      dir = mkdtempSync(join(tmpdir(), 'sinew-python-'));
      const args = ['up', '--no-sim', '--json', '--port', '0', '--policies', 'null', '--data-dir', join(dir, 'data')];
      instance = spawn(process.execPath, [SINEW, ...args], { stdio: ['ignore', 'pipe', 'ignore'] });
      const lines = createInterface({ input: instance.stdout as NodeJS.ReadableStream });
      const [line] = await Promise.race([
        once(lines, 'line'),
        once(instance, 'exit').then(([code]) => Promise.reject(new Error(`sinew up ended with ${code}`))),
      ]);
      ready = JSON.parse(String(line)) as Ready;
      const pixels = Buffer.from(Uint8Array.from({ length: 96 * 96 * 3 }, (_, i) => (i * 2654435761) >>> 24));
      const raw = { width: 96, height: 96, channels: 3 } as const;
      writeFileSync(join(dir, 'image.jpg'), await sharp(pixels, { raw }).jpeg().toBuffer());
    }, 3 * PATIENCE_MS);
    afterAll(async () => {
      if (instance !== undefined && instance.exitCode === null && instance.signalCode === null) {
        instance.kill('SIGTERM');
        await once(instance, 'exit');
      }
      if (dir !== undefined) rmSync(dir, { recursive: true, force: true });
    }, PATIENCE_MS);

    const script = (name: string, ...args: string[]): Promise<Ended> =>
      run(interpreter, [join(EXAMPLES, name), ...args], { timeout: PATIENCE_MS }).then(
        ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
        (error: Ended) => ({ code: error.code, stdout: error.stdout, stderr: error.stderr }),
      );

    test('the robot loop gets one command a tick and moves by it, holds included', async () => {
      const { code, stderr, stdout } = await script('robot_loop.py', ready.ws, ready.api_key, '20');
      expect(code, stderr).toBe(0);
      const told = stdout
        .trim()
        .split('\n')
        .map((line) => line.split(' '));
      expect(told).toHaveLength(20);
      expect(told.some(([kind]) => kind === 'action')).toBe(true);
      for (const [kind] of told) expect(['action', 'hold']).toContain(kind);
      const seqs = told.map(([, seq]) => Number(seq));
      expect(seqs).toEqual([...new Set(seqs)].sort((a, b) => a - b));
    });

    test('the robot loop says why it is refused', async () => {
      const { code, stderr } = await script('robot_loop.py', ready.ws, `${ready.api_key.slice(0, -4)}0000`);
      expect(code).not.toBe(0);
      expect(stderr).toContain('401');
    });

    test('REST answers an inference, feedback rates it, and what is wrong is said by its field', async () => {
      const inferred = await script('rest_inference.py', ready.http, ready.api_key, join(dir, 'image.jpg'));
      expect(inferred.code, inferred.stderr).toBe(0);
      const logId = inferred.stdout.split(' ')[0] ?? '';
      expect(Number(logId)).toBeGreaterThan(0);
      const rated = await script('feedback.py', ready.http, ready.api_key, logId, '5', 'it', 'worked');
      expect(rated.code, rated.stderr).toBe(0);
      expect(rated.stdout).toContain('Success rating 5/5 recorded successfully');
      expect(rated.stdout).toContain("'success_rating': 1");
      const absurd = await script('feedback.py', ready.http, ready.api_key, logId, '6');
      expect(absurd).toMatchObject({ code: 1, stderr: expect.stringMatching(/422.*"field":"rating"/) });
      const noImage = await script('rest_inference.py', ready.http, ready.api_key, join(EXAMPLES, 'README.md'));
      expect(noImage).toMatchObject({ code: 1, stderr: expect.stringMatching(/422.*"field":"image"/) });
    });
  });
}
