import type { HttpRequest, HttpResponse, TemplatedApp } from 'uWebSockets.js';
import { SinewError } from '@sinew/protocol';
import type { Logger, Metrics } from '@sinew/telemetry';
import { v7 as uuidv7 } from 'uuid';
import type { Authenticator, Principal } from '../auth.js';
import { IncomingBody } from './body.js';
import type { InFlight } from './in-flight.js';
import { authFault, errorReply, fromSinewError, type Reply, write } from './reply.js';

/** Who may ask: anyone, a key with a scope, or whoever is on this machine (else scope `admin`). */
export type Access =
  | { readonly kind: 'open' }
  | { readonly kind: 'key'; readonly scope: string }
  | { readonly kind: 'local' };

export interface RequestContext {
  readonly requestId: string;
  /** Null where the route is open or the caller is on this machine. */
  readonly principal: Principal | null;
  readonly parameter: string;
  readonly body: Buffer;
  readonly signal: AbortSignal;
}

/** A route is data: the dispatcher, the metrics and later the documentation read the same record. */
export interface Route {
  readonly method: 'get' | 'post';
  readonly path: string;
  readonly access: Access;
  readonly maxBodyBytes?: number;
  /** Requests of one key at a time. */
  readonly maxPerKey?: number;
  /** Why nobody is served now, or null; asked before the body is read. */
  readonly refusal?: (requestId: string) => Reply | null;
  readonly handle: (context: RequestContext) => Reply | Promise<Reply>;
}

export interface RouterDeps {
  readonly authenticator: Authenticator;
  readonly metrics: Metrics;
  readonly log: Logger;
  readonly inFlight: InFlight;
}

const DEFAULT_BODY_BYTES = 65_536;
/** A refused body of more than this many times the limit is not worth reading to its end. */
const READ_TO_END = 4;

const LOOPBACK = /^(127\.|::1$|0000:0000:0000:0000:0000:0000:0000:0001$|::ffff:127\.|0000:0000:0000:0000:0000:ffff:7f)/;

export function bearer(header: string): string | null {
  const match = /^Bearer +(\S+)$/i.exec(header);
  return match?.[1] ?? null;
}

const textOf = (buffer: ArrayBuffer): string => Buffer.from(buffer).toString('latin1');

export function mount(app: TemplatedApp, routes: readonly Route[], deps: RouterDeps): void {
  for (const route of routes) app[route.method](route.path, (res, req) => void serve(route, res, req, deps));
  app.any('/*', (res) => {
    const requestId = uuidv7();
    deps.metrics.apiRequests.inc({ method: 'any', endpoint: 'unknown', status: '404' });
    res.cork(() =>
      write(res, errorReply('validation_failed', 'No such endpoint', requestId, { status: 404, reason: 'not found' })),
    );
  });
}

async function serve(route: Route, res: HttpResponse, req: HttpRequest, deps: RouterDeps): Promise<void> {
  const startedMs = performance.now();
  const requestId = uuidv7();
  const abort = new AbortController();
  res.onAborted(() => abort.abort());
  // uWS's request dies with the first await: everything is read from it here.
  const authorization = req.getHeader('authorization');
  const contentLength = Number(req.getHeader('content-length') || 0);
  const parameter = req.getParameter(0) ?? '';
  const local = LOOPBACK.test(textOf(res.getRemoteAddressAsText()));
  const maxBodyBytes = route.maxBodyBytes ?? DEFAULT_BODY_BYTES;
  const incoming = route.method === 'post' ? new IncomingBody(res, maxBodyBytes, abort.signal) : null;
  const ends = [deps.inFlight.begin()];
  let reply: Reply | null;
  try {
    reply = await answer();
  } catch (error) {
    if (error instanceof SinewError) reply = fromSinewError(error, requestId);
    else if (error instanceof URIError) reply = errorReply('validation_failed', 'The path is not valid', requestId);
    else {
      deps.log.error({ err: error, request_id: requestId, path: route.path }, 'request failed');
      reply = errorReply('internal', 'A fault of the server', requestId);
    }
  }
  if (reply !== null) {
    const labels = { method: route.method.toUpperCase(), endpoint: route.path };
    deps.metrics.apiRequests.inc({ ...labels, status: String(reply.status) });
    deps.metrics.apiDuration.observe(labels, (performance.now() - startedMs) / 1_000);
    if (!abort.signal.aborted) {
      const { headers, ...rest } = reply;
      const tooMuch = contentLength > READ_TO_END * maxBodyBytes;
      incoming?.drop();
      res.cork(() => write(res, { ...rest, headers: { 'X-Request-Id': requestId, ...headers } }, tooMuch));
    }
  }
  for (const end of ends) end();

  /** Null: the client has gone. What the headers tell comes first, then the key, and only then the body. */
  async function answer(): Promise<Reply | null> {
    if (contentLength > maxBodyBytes) return tooLarge(maxBodyBytes, requestId);
    const admitted = await admit(route.access, authorization, local, requestId, deps.authenticator);
    if ('status' in admitted) return admitted;
    const refused = route.refusal?.(requestId) ?? null;
    if (refused !== null) return refused;
    const { principal } = admitted;
    if (principal !== null && route.maxPerKey !== undefined) {
      if (deps.inFlight.of(principal.keyId) >= route.maxPerKey) {
        return errorReply('rate_limited', `A key has at most ${route.maxPerKey} requests at a time`, requestId);
      }
      ends.push(deps.inFlight.beginFor(principal.keyId));
    }
    const body = incoming === null ? null : await incoming.read();
    if (body?.kind === 'aborted') return null;
    if (body?.kind === 'too_large') return tooLarge(maxBodyBytes, requestId);
    return route.handle({
      requestId,
      principal,
      parameter: decodeURIComponent(parameter),
      body: body?.bytes ?? Buffer.alloc(0),
      signal: abort.signal,
    });
  }
}

const tooLarge = (maxBodyBytes: number, requestId: string): Reply =>
  errorReply('validation_failed', `The body is over ${maxBodyBytes} bytes`, requestId, {
    field: 'body',
    reason: 'too large',
    status: 413,
  });

async function admit(
  access: Access,
  authorization: string,
  local: boolean,
  requestId: string,
  authenticator: Authenticator,
): Promise<{ principal: Principal | null } | Reply> {
  if (access.kind === 'open' || (access.kind === 'local' && local)) return { principal: null };
  const key = bearer(authorization);
  if (key === null) return errorReply('unauthorized', 'Send `Authorization: Bearer vla_live_…`', requestId);
  const result = await authenticator.authenticate(key);
  if (result.kind !== 'ok') return authFault(result.kind, requestId);
  const scope = access.kind === 'key' ? access.scope : 'admin';
  if (!result.principal.scopes.has(scope))
    return errorReply('forbidden', `The key lacks the scope \`${scope}\``, requestId);
  return { principal: result.principal };
}
