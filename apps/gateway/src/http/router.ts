import type { HttpRequest, HttpResponse, TemplatedApp } from 'uWebSockets.js';
import { SinewError } from '@sinew/protocol';
import type { Logger, Metrics } from '@sinew/telemetry';
import { v7 as uuidv7 } from 'uuid';
import type { Authenticator, Principal } from '../auth.js';
import { readBody } from './body.js';
import { errorReply, fromSinewError, type Reply, write } from './reply.js';

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
  readonly handle: (context: RequestContext) => Reply | Promise<Reply>;
}

export interface RouterDeps {
  readonly authenticator: Authenticator;
  readonly metrics: Metrics;
  readonly log: Logger;
}

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
  const parameter = req.getParameter(0) ?? '';
  const local = LOOPBACK.test(textOf(res.getRemoteAddressAsText()));
  const reading =
    route.method === 'post' ? readBody(res, route.maxBodyBytes ?? 65_536, () => abort.signal.aborted) : null;
  let reply: Reply;
  try {
    const admitted = await admit(route.access, authorization, local, requestId, deps.authenticator);
    const body = reading === null ? null : await reading;
    if ('status' in admitted) reply = admitted;
    else if (body?.kind === 'too_large') {
      reply = errorReply('validation_failed', `The body is over ${route.maxBodyBytes} bytes`, requestId, {
        field: 'body',
        reason: 'too large',
        status: 413,
      });
    } else if (body?.kind === 'aborted') return;
    else {
      reply = await route.handle({
        requestId,
        principal: admitted.principal,
        parameter: decodeURIComponent(parameter),
        body: body?.bytes ?? Buffer.alloc(0),
        signal: abort.signal,
      });
    }
  } catch (error) {
    if (error instanceof SinewError) reply = fromSinewError(error, requestId);
    else if (error instanceof URIError) reply = errorReply('validation_failed', 'The path is not valid', requestId);
    else {
      deps.log.error({ err: error, request_id: requestId, path: route.path }, 'request failed');
      reply = errorReply('internal', 'A fault of the server', requestId);
    }
  }
  const labels = { method: route.method.toUpperCase(), endpoint: route.path };
  deps.metrics.apiRequests.inc({ ...labels, status: String(reply.status) });
  deps.metrics.apiDuration.observe(labels, (performance.now() - startedMs) / 1_000);
  if (!abort.signal.aborted) {
    res.cork(() => write(res, { ...reply, headers: { 'X-Request-Id': requestId, ...reply.headers } }));
  }
}

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
  if (result.kind === 'unknown') return errorReply('unauthorized', 'The API key is not known', requestId);
  if (result.kind === 'unavailable')
    return errorReply('internal', 'Keys cannot be checked now', requestId, { status: 503 });
  const scope = access.kind === 'key' ? access.scope : 'admin';
  if (!result.principal.scopes.has(scope))
    return errorReply('forbidden', `The key lacks the scope \`${scope}\``, requestId);
  return { principal: result.principal };
}
