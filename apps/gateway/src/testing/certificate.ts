import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generate } from 'selfsigned';
import type { TlsFiles } from '../tls.js';

export interface Certificate extends TlsFiles {
  readonly dir: string;
  /** The certificate, which is its own authority. */
  readonly pem: string;
}

/** A self-signed certificate for this machine, in files. */
export async function makeCertificate(notAfter: Date = new Date(Date.now() + 365 * 86_400_000)): Promise<Certificate> {
  const { cert, private: key } = await generate([{ name: 'commonName', value: 'localhost' }], {
    algorithm: 'sha256',
    notBeforeDate: new Date(notAfter.getTime() - 366 * 86_400_000),
    notAfterDate: notAfter,
    extensions: [
      {
        name: 'subjectAltName',
        altNames: [
          { type: 2, value: 'localhost' },
          { type: 7, ip: '127.0.0.1' },
        ],
      },
    ],
  });
  const dir = await mkdtemp(join(tmpdir(), 'sinew-tls-'));
  const certFile = join(dir, 'cert.pem');
  const keyFile = join(dir, 'key.pem');
  await writeFile(certFile, cert);
  await writeFile(keyFile, key, { mode: 0o600 });
  return { dir, certFile, keyFile, pem: cert };
}
