import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { get } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { readRunFile } from '@sinew/config';
import { connect } from '@sinew/sdk';
import { generate } from 'selfsigned';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const rootOf = (file: string): string => readFileSync(file, 'utf8');
const SINEW = fileURLToPath(new URL('../../bin/sinew.js', import.meta.url));

interface Ready {
  readonly http: string;
  readonly ws: string;
  readonly api_key: string;
}

describe('an instance with a certificate of its own', { timeout: 200_000 }, () => {
  let dir: string;
  let cert: string;
  let instance: ChildProcess;
  let ready: Ready;

  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'sinew-tls-'));
    const made = await generate([{ name: 'commonName', value: 'localhost' }], {
      algorithm: 'sha256',
      extensions: [{ name: 'subjectAltName', altNames: [{ type: 7, ip: '127.0.0.1' }] }],
    });
    cert = join(dir, 'cert.pem');
    writeFileSync(cert, made.cert);
    writeFileSync(join(dir, 'key.pem'), made.private, { mode: 0o600 });
    const files = ['--tls-cert-file', cert, '--tls-key-file', join(dir, 'key.pem'), '--tls-ca-file', cert];
    instance = run('up', '--json', '--port', '0', '--policies', 'null', '--robots', '1', ...files);
    instance.stderr?.resume();
    const [line] = (await once(
      createInterface({ input: instance.stdout as NonNullable<typeof instance.stdout> }),
      'line',
    )) as [string];
    ready = JSON.parse(line) as Ready;
  }, 200_000);
  afterAll(async () => {
    if (instance.exitCode === null && instance.signalCode === null) {
      instance.kill('SIGTERM');
      await once(instance, 'exit');
    }
    rmSync(dir, { recursive: true, force: true });
  });

  const run = (...args: string[]): ChildProcess =>
    spawn(process.execPath, [SINEW, ...args, '--data-dir', join(dir, 'data')], { stdio: ['ignore', 'pipe', 'pipe'] });

  async function sinew(...args: string[]): Promise<{ code: number; out: string }> {
    const child = run(...args);
    let out = '';
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (part) => {
        out += part;
      });
    const [code] = (await once(child, 'exit')) as [number];
    return { code, out };
  }

  const activeSessions = (): Promise<number> =>
    new Promise((resolve, reject) => {
      const sent = get(`${ready.http}/health/detailed`, { ca: rootOf(cert) }, async (response) => {
        let text = '';
        for await (const part of response) text += String(part);
        resolve((JSON.parse(text) as { components: { sessions: { active: number } } }).components.sessions.active);
      });
      sent.once('error', reject);
    });

  it('says so in its ready line and in run.json', () => {
    const found = readRunFile(join(dir, 'data'));
    expect([ready.http, ready.ws]).toEqual([found?.http, found?.ws]);
    expect(ready.http).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/);
    expect(ready.ws).toMatch(/^wss:\/\/127\.0\.0\.1:\d+\/v1\/stream$/);
  });

  it('its simulated robots stream, as they were told to trust it', async () => {
    await expect.poll(activeSessions, { timeout: 60_000, interval: 500 }).toBeGreaterThanOrEqual(1);
  });

  it('commands trust it where they are told to, and nowhere else', async () => {
    const clear = ['estop-clear', 'arm-1', '--reason', 'the cell is empty'];
    const told = await sinew(...clear, '--tls-ca-file', cert);
    expect(told.out).toContain('lacks the scope');
    const untold = await sinew(...clear);
    expect(untold.out).toMatch(/self-signed certificate.*--tls-ca-file/s);
    expect(untold.code).toBe(1);
  });

  it('robots connect where they are told to trust it, and nowhere else', async () => {
    const options = {
      url: ready.ws,
      apiKey: ready.api_key,
      robotType: 'franka_panda',
      robotId: 'arm-9',
      instruction: 'pick up the red cube',
    };
    await expect(connect(options)).rejects.toThrow('self-signed certificate');
    const robot = await connect({ ...options, tlsCa: rootOf(cert) });
    expect(robot.sessionId).toMatch(/^[0-9a-f-]{36}$/);
    await robot.close();
  });

  it('does not start with a certificate without its key, and says what is missing', async () => {
    const { code, out } = await sinew('up', '--tls-cert-file', cert);
    expect(out).toContain('SINEW_TLS_KEY_FILE is not set');
    expect(code).not.toBe(0);
  });
});
