import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';

/** What the gateway shows and proves with; paths of PEM files. */
export interface TlsFiles {
  readonly certFile: string;
  readonly keyFile: string;
}

export class TlsError extends Error {
  override readonly name = 'TlsError';
}

const DAY_MS = 86_400_000;
/** A certificate that ends sooner is worth a warning at every start. */
const SOON_DAYS = 14;

/**
 * Whether the files are a certificate and its key: uWS says of files that it cannot use only that it cannot. Answers what
 * somebody should know, or null.
 */
export async function checkTls({ certFile, keyFile }: TlsFiles, nowMs: number): Promise<string | null> {
  const certificate = await readPem('SINEW_TLS_CERT_FILE', certFile, 'a certificate in PEM', (pem) => {
    return new X509Certificate(pem);
  });
  const key: KeyObject = await readPem(
    'SINEW_TLS_KEY_FILE',
    keyFile,
    'a private key in PEM, without password',
    (pem) => {
      return createPrivateKey(pem);
    },
  );
  if (!certificate.checkPrivateKey(key)) {
    throw new TlsError(`SINEW_TLS_KEY_FILE: ${keyFile} is not the key of the certificate in ${certFile}`);
  }
  const endsMs = Date.parse(certificate.validTo);
  if (endsMs < nowMs) return `the certificate in ${certFile} ended on ${certificate.validTo}: clients will refuse it`;
  if (endsMs < nowMs + SOON_DAYS * DAY_MS) return `the certificate in ${certFile} ends on ${certificate.validTo}`;
  return null;
}

async function readPem<T>(variable: string, file: string, what: string, parse: (pem: Buffer) => T): Promise<T> {
  const pem = await readFile(file).catch((error: unknown) => {
    throw new TlsError(`${variable}: ${error instanceof Error ? error.message : String(error)}`);
  });
  try {
    return parse(pem);
  } catch {
    throw new TlsError(`${variable}: ${file} is not ${what}`);
  }
}
