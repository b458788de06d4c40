import type { HttpRequest, HttpResponse, TemplatedApp } from 'uWebSockets.js';
import { RecordFailed } from '@sinew/accounts';
import { type Access, ALL_ROUTES, type AnyRoute, type Method, pathParameters } from '@sinew/contracts';
import { isDatabaseAway } from '@sinew/db';
import { SinewError } from '@sinew/protocol';
import type { Logger, Metrics } from '@sinew/telemetry';
import { v7 as uuidv7 } from 'uuid';
import type { Authenticator, Principal } from '../auth.js';
import type { Refusals } from '../gates/refusals.js';
import { Refused } from '../gates/refused.js';
import type { Route } from './bind.js';
import { IncomingBody } from './body.js';
import type { InFlight } from './in-flight.js';
import { authFault, errorReply, fromSinewError, type Reply, write, writeStream } from './reply.js';
import { RequestFault } from './request-fault.js';

/** What a request leaves of its key's share: headers of every answer, and the refusal when nothing is left. */
export interface LimitVerdict {
  readonly headers: Readonly<Record<string, string>>;
  readonly refusal: Reply | null;
}

export interface RouterDeps {
  readonly authenticator: Authenticator;
  readonly metrics: Metrics;
  readonly log: Logger;
  readonly inFlight: InFlight;
  readonly refusals: Refusals;
  /** Asked of every request with a key, before its body is read. */
  readonly limit?: (
    principal: Principal,
    contract: AnyRoute,
    requestId: string,
  ) => LimitVerdict | Promise<LimitVerdict>;
}

const DEFAULT_BODY_BYTES = 65_536;
/** A refused body of more than this many times the limit is not worth reading to its end. */
const READ_TO_END = 4;
const NO_BODY = Buffer.alloc(0);

const LOOPBACK = /^(127\.|::1$|0000:0000:0000:0000:0000:0000:0000:0001$|::ffff:127\.|0000:0000:0000:0000:0000:ffff:7f)/;

/** A proxy on this machine speaks for others, who are not on it; by one of these it is known. */
const FORWARDED = ['x-forwarded-for', 'forwarded', 'x-real-ip', 'via', 'x-forwarded-host', 'x-forwarded-proto'];

export function bearer(header: string): string | null {
  const match = /^Bearer +(\S+)$/i.exec(header);
  return match?.[1] ?? null;
}

const textOf = (buffer: ArrayBuffer): string => Buffer.from(buffer).toString('latin1');

const UWS_METHOD = { get: 'get', post: 'post', put: 'put', delete: 'del' } as const satisfies Record<Method, string>;

/** `/v1/logs/{log_id}` as uWS writes it. */
export const mountedPath = (path: string): string => path.replace(/\{([a-z_]+)\}/g, ':$1');

/** Mounts the routes, all of which are documented; a known path with another method is answered 405, everything else 404. */
export function mount(app: TemplatedApp, routes: readonly Route[], deps: RouterDeps): void {
  const allowed = new Map<string, string[]>();
  for (const route of routes) {
    const { method, operation, path } = route.contract;
    if (!ALL_ROUTES.includes(route.contract))
      throw new Error(`${operation} is not among ALL_ROUTES: nobody would know of it`);
    const plan = planOf(route);
    app[UWS_METHOD[method]](mountedPath(path), (res, req) => void serve(plan, res, req, deps));
    // Health checks of load balancers ask so.
    if (method === 'get') app.head(mountedPath(path), (res, req) => void serve(plan, res, req, deps, true));
    const methods = method === 'get' ? ['GET', 'HEAD'] : [method.toUpperCase()];
    allowed.set(path, [...(allowed.get(path) ?? []), ...methods]);
  }
  for (const [path, methods] of allowed) {
    const allow = methods.join(', ');
    app.any(mountedPath(path), (res, req) => {
      const message = `${path} takes ${allow}`;
      refuse(res, req, path, deps, (requestId) => {
        const reply = errorReply('method_not_allowed', message, requestId);
        return { ...reply, headers: { ...reply.headers, Allow: allow } };
      });
    });
  }
  app.any('/*', (res, req) => {
    refuse(res, req, 'unknown', deps, (requestId) => errorReply('not_found', 'No such endpoint', requestId));
  });
}

/** What serving a route needs, worked out once. */
interface Plan {
  readonly route: Route;
  readonly parameters: number;
  readonly headers: readonly string[];
  readonly takesBody: boolean;
  readonly maxBodyBytes: number;
  readonly labels: { readonly method: string; readonly endpoint: string };
}

function planOf(route: Route): Plan {
  const { contract } = route;
  return {
    route,
    parameters: pathParameters(contract.path).length,
    headers: (contract.headers ?? []).map(({ name }) => name.toLowerCase()),
    takesBody: contract.method !== 'get',
    maxBodyBytes: contract.maxBodyBytes ?? DEFAULT_BODY_BYTES,
    labels: { method: contract.method.toUpperCase(), endpoint: contract.path },
  };
}

function refuse(
  res: HttpResponse,
  req: HttpRequest,
  endpoint: string,
  deps: RouterDeps,
  replyOf: (requestId: string) => Reply,
): void {
  const requestId = uuidv7();
  const reply = replyOf(requestId);
  const headOnly = req.getMethod() === 'head';
  deps.metrics.apiRequests.inc({ method: 'any', endpoint, status: String(reply.status) });
  const headers = { 'X-Request-Id': requestId, ...reply.headers };
  res.cork(() => write(res, { ...reply, headers }, { headOnly }));
}

async function serve(
  plan: Plan,
  res: HttpResponse,
  req: HttpRequest,
  deps: RouterDeps,
  headOnly = false,
): Promise<void> {
  const startedMs = performance.now();
  const requestId = uuidv7();
  const abort = new AbortController();
  res.onAborted(() => abort.abort());
  const { maxBodyBytes, route } = plan;
  const { contract } = route;
  // uWS's request dies with the first await: everything is read from it here.
  const authorization = req.getHeader('authorization');
  const contentLength = Number(req.getHeader('content-length') || 0);
  const query = contract.query === undefined ? '' : (req.getQuery() ?? '');
  const parameters = Array.from({ length: plan.parameters }, (_, i) => req.getParameter(i) ?? '');
  const headers = Object.fromEntries(plan.headers.map((name) => [name, req.getHeader(name)]));
  const forwarded = FORWARDED.some((name) => req.getHeader(name) !== '');
  const local = !forwarded && LOOPBACK.test(textOf(res.getRemoteAddressAsText()));
  const incoming = plan.takesBody ? new IncomingBody(res, maxBodyBytes, abort.signal) : null;
  const ends = [deps.inFlight.begin()];
  let limitHeaders: Readonly<Record<string, string>> = {};
  let reply: Reply | null;
  let caller: Principal | null = null;
  try {
    reply = await answer();
  } catch (error) {
    countRefusal(error, caller, deps.refusals);
    reply = faultReply(error, contract, requestId, deps);
  }
  if (reply !== null) {
    deps.metrics.apiRequests.inc({ ...plan.labels, status: String(reply.status) });
    deps.metrics.apiDuration.observe(plan.labels, (performance.now() - startedMs) / 1_000);
    if (!abort.signal.aborted) {
      const closeConnection = contentLength > READ_TO_END * maxBodyBytes;
      const all = { ...reply, headers: { 'X-Request-Id': requestId, ...limitHeaders, ...reply.headers } };
      incoming?.drop();
      if (reply.stream === undefined || headOnly) res.cork(() => write(res, all, { closeConnection, headOnly }));
      else {
        await writeStream(res, all, reply.stream, abort.signal).catch((error: unknown) =>
          deps.log.error({ err: error, request_id: requestId, path: contract.path }, 'a stream was cut'),
        );
      }
    }
  }
  for (const end of ends) end();

  /** Null: the client has gone. What the headers tell comes first, then the key, and only then the body. */
  async function answer(): Promise<Reply | null> {
    if (contentLength > maxBodyBytes) return tooLarge(maxBodyBytes, requestId);
    const admitted = await admit(contract.access, authorization, local, requestId, deps.authenticator);
    if ('status' in admitted) return admitted;
    const { principal } = admitted;
    caller = principal;
    if (principal !== null && deps.limit !== undefined) {
      const verdict = await deps.limit(principal, contract, requestId);
      limitHeaders = verdict.headers;
      if (verdict.refusal !== null) return verdict.refusal;
    }
    const refused = route.refusal?.(requestId) ?? null;
    if (refused !== null) return refused;
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
      local,
      signal: abort.signal,
      parameters,
      query,
      body: body?.bytes ?? NO_BODY,
      headers,
    });
  }
}

/** What a rule on data refuses is counted by that rule, and recorded where it is known whose it was. */
function countRefusal(error: unknown, caller: Principal | null, refusals: Refusals): void {
  const refused = error instanceof Refused;
  const broken =
    error instanceof RequestFault
      ? { field: error.field }
      : error instanceof SinewError && (refused || error.code === 'validation_failed')
        ? { field: error.field, rule: refused ? error.rule : undefined }
        : null;
  if (broken === null) return;
  if (caller === null) refusals.count(broken, null, 'rest');
  else {
    const robotType = refused ? error.robotType : null;
    refusals.note(broken, { source: 'rest', customerId: caller.customerId, robotType });
  }
}

function faultReply(error: unknown, contract: AnyRoute, requestId: string, deps: RouterDeps): Reply {
  if (error instanceof SinewError) return fromSinewError(error, requestId);
  if (error instanceof RequestFault) return error.reply(requestId);
  if (error instanceof RecordFailed) {
    deps.log.error({ err: error, request_id: requestId, path: contract.path }, 'a change could not be recorded');
    return errorReply('unavailable', 'The change cannot be recorded now; nothing was changed', requestId);
  }
  if (isDatabaseAway(error)) {
    deps.log.warn({ err: error, request_id: requestId, path: contract.path }, 'the database is away');
    return errorReply('unavailable', 'The database cannot be reached now; send the same request again', requestId);
  }
  deps.log.error({ err: error, request_id: requestId, path: contract.path }, 'request failed');
  return errorReply('internal', 'A fault of the server', requestId);
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
  if (access.kind === 'open' || (access.kind === 'operator' && local)) return { principal: null };
  const key = bearer(authorization);
  if (key === null) return errorReply('unauthorized', 'Send `Authorization: Bearer vla_live_…`', requestId);
  const result = await authenticator.authenticate(key);
  if (result.kind !== 'ok') return authFault(result.kind, requestId);
  const { principal } = result;
  const scope = access.kind === 'key' ? access.scope : 'admin';
  if (scope !== null && !principal.scopes.has(scope)) {
    return errorReply('forbidden', `The key lacks the scope \`${scope}\``, requestId);
  }
  if (access.kind === 'operator' && !principal.operator) {
    return errorReply('forbidden', 'This is for the operators of the installation', requestId);
  }
  return { principal };
}
