import type { ErrorCode } from '@sinew/protocol';
import type { z } from 'zod';

/** What a key may be for. A key without a scope that an endpoint needs is answered 403. */
export const KEY_SCOPES = ['stream', 'infer', 'feedback', 'full_speed', 'admin'] as const;
export type KeyScope = (typeof KEY_SCOPES)[number];

/**
 * Who may ask. `key`: a key with the scope, or any valid key where the scope is null. `operator`: whoever is on this
 * machine, or a key with the scope `admin` of a customer that operates the installation.
 */
export type Access =
  | { readonly kind: 'open' }
  | { readonly kind: 'key'; readonly scope: KeyScope | null }
  | { readonly kind: 'operator' };

export const METHODS = ['get', 'post', 'put', 'delete'] as const;
export type Method = (typeof METHODS)[number];

/** A success. `schema` null: no body, or one that no schema describes (`contentType` says what it is). */
export interface Answer {
  readonly description: string;
  readonly schema: z.ZodType | null;
  readonly contentType?: string;
}

/** A request header beside `Authorization` that the endpoint reads, such as `Idempotency-Key`. */
export interface RequestHeader {
  readonly name: string;
  readonly description: string;
  readonly schema: z.ZodType<string | undefined>;
}

/**
 * One endpoint as data: the router, the OpenAPI document, the tests and the metrics read this record. Schemas are made
 * once, when the module is loaded.
 */
export interface RouteContract<
  P extends z.ZodType = z.ZodType,
  Q extends z.ZodType = z.ZodType,
  B extends z.ZodType = z.ZodType,
  A extends Access = Access,
> {
  /** The name of the operation in the OpenAPI document; unique. */
  readonly operation: string;
  readonly method: Method;
  /** With parameters in braces: `/v1/logs/{log_id}`. */
  readonly path: string;
  readonly tag: string;
  readonly summary: string;
  readonly description?: string;
  readonly access: A;
  /** An object schema with one text a parameter of the path. */
  readonly params?: P;
  /** An object schema; every value comes as text, so numbers are coerced. A strict one refuses what it does not know. */
  readonly query?: Q;
  readonly body?: B;
  readonly headers?: readonly RequestHeader[];
  /** At most this much body; 65,536 without it. */
  readonly maxBodyBytes?: number;
  /** By status. */
  readonly answers: Readonly<Record<number, Answer>>;
  /** What the handler itself refuses; what the router refuses (keys, shapes, limits) is added to the document by itself. */
  readonly errors: readonly ErrorCode[];
  /** A request and its first answer, as the documentation shows them; both fit their schemas. */
  readonly example?: {
    readonly path?: string;
    readonly body?: z.input<B>;
    readonly answer?: unknown;
  };
}

export type AnyRoute = RouteContract;

/** A contract as it stands, with the types of its schemas kept for the handler. */
export function route<
  P extends z.ZodType = z.ZodUndefined,
  Q extends z.ZodType = z.ZodUndefined,
  B extends z.ZodType = z.ZodUndefined,
  const A extends Access = Access,
>(contract: RouteContract<P, Q, B, A>): RouteContract<P, Q, B, A> {
  return contract;
}

const PARAMETER = /\{([a-z_]+)\}/g;

/** The names of a path's parameters, in their order. */
export function pathParameters(path: string): string[] {
  return [...path.matchAll(PARAMETER)].map((match) => match[1] ?? '');
}
