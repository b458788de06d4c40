import { rm, writeFile } from 'node:fs/promises';
import { get } from 'node:https';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { type Certificate, makeCertificate } from './testing/certificate.js';
import { KEY, startTestGateway, type TestGateway } from './testing/test-gateway.js';
import { checkTls } from './tls.js';

let ours: Certificate;
let another: Certificate;
beforeAll(async () => {
  [ours, another] = [await makeCertificate(), await makeCertificate()];
});
afterAll(async () => {
  for (const { dir } of [ours, another]) await rm(dir, { recursive: true });
});

describe('what is wrong with the files is said before anything starts', () => {
  const check = (files: { certFile?: string; keyFile?: string }) => checkTls({ ...ours, ...files }, Date.now());

  test('a certificate and its key are fine', async () => expect(await check({})).toBeNull());

  test('a file that is not there', async () => {
    await expect(check({ certFile: '/nowhere/cert.pem' })).rejects.toThrow('SINEW_TLS_CERT_FILE: ENOENT');
  });

  test('a file that is something else', async () => {
    await expect(check({ certFile: ours.keyFile })).rejects.toThrow(/SINEW_TLS_CERT_FILE: .*not a certificate in PEM/);
    const file = join(ours.dir, 'empty.pem');
    await writeFile(file, '');
    await expect(check({ keyFile: file })).rejects.toThrow(/SINEW_TLS_KEY_FILE: .*not a private key in PEM/);
  });

  test('the key of another certificate', async () => {
    await expect(check({ keyFile: another.keyFile })).rejects.toThrow('is not the key of the certificate');
  });

  test('a certificate that has ended, or soon will, is warned about', async () => {
    const later = Date.now() + 360 * 86_400_000;
    expect(await checkTls(ours, later)).toContain('ends on');
    expect(await checkTls(ours, later + 10 * 86_400_000)).toContain('clients will refuse it');
  });
});

describe('a gateway with a certificate', () => {
  let server: TestGateway;
  beforeAll(async () => {
    server = await startTestGateway({ tls: ours });
  });
  afterAll(() => server.stop());

  const status = (ca: string | undefined) =>
    new Promise<number | undefined>((resolve, reject) => {
      const { port } = server.gateway;
      const sent = get(
        { host: '127.0.0.1', port, path: '/health', ...(ca === undefined ? {} : { ca }) },
        (response) => {
          response.resume();
          resolve(response.statusCode);
        },
      );
      sent.once('error', reject);
    });

  test('answers https to who trusts it, and only to them', async () => {
    expect(await status(ours.pem)).toBe(200);
    await expect(status(undefined)).rejects.toMatchObject({ code: 'DEPTH_ZERO_SELF_SIGNED_CERT' });
    await expect(status(another.pem)).rejects.toMatchObject({ code: expect.stringContaining('CERT') });
  });

  test('does not answer in the clear', async () => {
    await expect(fetch(`http://127.0.0.1:${server.gateway.port}/health`)).rejects.toThrow();
  });

  test('streams over wss', async () => {
    const socket = new WebSocket(`wss://127.0.0.1:${server.gateway.port}/v1/stream`, ['sinew.v1'], {
      headers: { Authorization: `Bearer ${KEY}` },
      ca: ours.pem,
    });
    await new Promise((resolve, reject) => {
      socket.once('open', resolve);
      socket.once('error', reject);
    });
    expect(socket.protocol).toBe('sinew.v1');
    socket.terminate();
  });
});
