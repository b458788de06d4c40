import { type Access, type AnyRoute, pathParameters, type RouteContract } from '@sinew/contracts';
import type { z } from 'zod';
import type { Principal } from '../auth.js';
import { parseJson } from './json-body.js';
import type { Reply } from './reply.js';
import { RequestFault } from './request-fault.js';

/** A request as the router hands it on: admitted, read, not yet looked into. */
export interface RawRequest {
  readonly requestId: string;
  /** Null where the route is open, or is one for operators and the caller is on this machine. */
  readonly principal: Principal | null;
  readonly local: boolean;
  readonly signal: AbortSignal;
  /** Still percent-encoded, in the order of the path. */
  readonly parameters: readonly string[];
  /** Without its `?`. */
  readonly query: string;
  readonly body: Buffer;
  /** The headers that the contract names, by their names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
}

/** What a handler gets: everything parsed by the contract's schemas. */
export interface RequestContext<P = undefined, Q = undefined, B = undefined, A extends Access = Access> {
  readonly params: P;
  readonly query: Q;
  readonly body: B;
  /** Certain where the contract asks for a key. */
  readonly principal: A extends { readonly kind: 'key' } ? Principal : Principal | null;
  readonly requestId: string;
  /** Ends when the client goes away. */
  readonly signal: AbortSignal;
  /** The caller is on this machine. */
  readonly local: boolean;
  /** Of the header `Idempotency-Key`, where the contract names it. */
  readonly idempotencyKey: string | null;
}

export interface RouteOptions {
  /** Requests of one key at a time. */
  readonly maxPerKey?: number;
  /** Why nobody is served now, or null; asked before the body is read. */
  readonly refusal?: (requestId: string) => Reply | null;
}

/** An endpoint that can be mounted. */
export interface Route extends RouteOptions {
  readonly contract: AnyRoute;
  readonly handle: (request: RawRequest) => Reply | Promise<Reply>;
}

/**
 * A contract with its handler. The handler sees only what the schemas let through; what they refuse is answered 422 with
 * every field that is wrong, and a body that is no JSON with 400.
 */
export function bind<P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType, A extends Access>(
  contract: RouteContract<P, Q, B, A>,
  handler: (context: RequestContext<z.output<P>, z.output<Q>, z.output<B>, A>) => Reply | Promise<Reply>,
  options: RouteOptions = {},
): Route {
  const names = pathParameters(contract.path);
  const { params, query, body, headers } = contract;
  const handle = (raw: RawRequest): Reply | Promise<Reply> => {
    const given: unknown = params === undefined ? undefined : parameters(names, raw.parameters);
    const sent = headers === undefined ? {} : declaredHeaders(headers, raw.headers);
    const context = {
      params: parsed('path', params, given),
      query: parsed('query', query, query === undefined ? undefined : queryOf(raw.query)),
      body: parsed('body', body, body === undefined ? undefined : parseJson(raw.body)),
      principal: raw.principal,
      requestId: raw.requestId,
      signal: raw.signal,
      local: raw.local,
      idempotencyKey: sent['idempotency-key'] ?? null,
    };
    // The router has checked the access before, so a key's route has its principal; the schemas have made the rest.
    return handler(context as RequestContext<z.output<P>, z.output<Q>, z.output<B>, A>);
  };
  return { ...options, contract, handle };
}

function parsed(place: 'path' | 'query' | 'body', schema: z.ZodType | undefined, value: unknown): unknown {
  if (schema === undefined) return undefined;
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw RequestFault.fromZod(place, result.error);
}

function declaredHeaders(
  declared: NonNullable<AnyRoute['headers']>,
  sent: Readonly<Record<string, string>>,
): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const { name, schema } of declared) {
    const text = sent[name.toLowerCase()];
    const result = schema.safeParse(text === '' ? undefined : text);
    if (!result.success) {
      throw RequestFault.of('validation_failed', 'header', name, result.error.issues[0]?.message ?? 'not valid');
    }
    if (result.data !== undefined) headers[name.toLowerCase()] = result.data;
  }
  return headers;
}

function parameters(names: readonly string[], encoded: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.map((name, i) => [name, storable('path', name, decoded(name, encoded[i] ?? ''))]));
}

function decoded(name: string, text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw RequestFault.of('validation_failed', 'path', name, 'not valid percent-encoding');
  }
}

/** A name that comes twice is a list, which no schema for one value takes. */
function queryOf(text: string): Record<string, string | string[]> {
  const query = new Map<string, string | string[]>();
  for (const [name, value] of new URLSearchParams(text)) {
    storable('query', name, name);
    const before = query.get(name);
    const one = storable('query', name, value);
    query.set(name, before === undefined ? one : [before, one].flat());
  }
  return Object.fromEntries(query);
}

/** PostgreSQL has no text with U+0000. */
function storable(place: 'path' | 'query', field: string, text: string): string {
  if (text.includes('\0')) throw RequestFault.of('validation_failed', place, field, 'holds the character U+0000');
  return text;
}
