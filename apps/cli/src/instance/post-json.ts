import { type IncomingMessage, request as requestInClear } from 'node:http';
import { request as requestOverTls } from 'node:https';
import { Readable } from 'node:stream';
import { rootCertificates } from 'node:tls';
import { Failure } from '../failure.js';
import type { Gateway } from './find-gateway.js';

export interface Answer {
  readonly ok: boolean;
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';

const PATIENCE_MS = 30_000;

/** One request to a gateway; its body is read as it comes. A gateway that does not answer is a failure in words. */
export async function ask(gateway: Gateway, method: Method, path: string, body: unknown = null): Promise<Response> {
  const url = `${gateway.http}${path}`;
  try {
    const answer = await send(gateway, method, url, body === null ? null : JSON.stringify(body));
    const status = answer.statusCode ?? 500;
    return new Response(status === 204 ? null : (Readable.toWeb(answer) as ReadableStream), { status });
  } catch (error) {
    const advice = url.startsWith('https:')
      ? 'is the gateway running there? a certificate of your own is trusted by --tls-ca-file'
      : 'is the gateway running there? (npm start)';
    throw new Failure(`${url} does not answer: ${reasonOf(error)}`, [advice]);
  }
}

export async function askJson(gateway: Gateway, method: Method, path: string, body: unknown = null): Promise<Answer> {
  const response = await ask(gateway, method, path, body);
  const parsed: unknown = await response.json().catch(() => null);
  if (typeof parsed !== 'object' || parsed === null) {
    throw new Failure(`${gateway.http}${path} answered ${response.status} without JSON`, [
      'is that address a Sinew gateway?',
    ]);
  }
  return { ok: response.ok, status: response.status, body: parsed as Record<string, unknown> };
}

export const postJson = (gateway: Gateway, path: string, body: unknown): Promise<Answer> =>
  askJson(gateway, 'POST', path, body);

/** Not with `fetch`, which takes no certificate to trust. */
function send({ key, tlsCa }: Gateway, method: Method, url: string, body: string | null): Promise<IncomingMessage> {
  const content =
    body === null ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(new Error(`no answer within ${PATIENCE_MS / 1_000} s`)), PATIENCE_MS);
  const options = { method, headers: { authorization: `Bearer ${key}`, ...content }, signal: late.signal };
  return new Promise<IncomingMessage>((resolve, reject) => {
    const sent = url.startsWith('https:')
      ? requestOverTls(url, { ...options, ...(tlsCa === null ? {} : { ca: [...rootCertificates, tlsCa] }) })
      : requestInClear(url, options);
    sent.once('error', reject);
    sent.once('response', resolve);
    sent.end(body ?? undefined);
  }).finally(() => clearTimeout(timer));
}

/** Node says why only further in: in `cause`, or in `errors` for a name with several addresses. */
function reasonOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(reasonOf).join('; ');
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message || error.message : error.message || error.name;
}
