import type { JsonSchema, OpenApiDocument, Operation } from '@sinew/contracts';
import { Ajv2020 } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import type { GatewayProcess, Tenant } from './gateway-process.js';
import { type RawReply, rawRequest } from './raw-request.js';
import { inferenceRequest } from './rest.js';

/** One endpoint as the document has it. */
export interface Endpoint {
  readonly method: string;
  readonly path: string;
  readonly operation: Operation;
}

export async function readDocument(server: GatewayProcess): Promise<OpenApiDocument> {
  const { body, status } = await rawRequest(server.http, 'GET', '/openapi.json');
  if (status !== 200) throw new Error(`/openapi.json: ${status}`);
  return JSON.parse(body) as OpenApiDocument;
}

export const endpointsOf = ({ paths }: OpenApiDocument): Endpoint[] =>
  Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })),
  );

/** Every id by the name that parameters and fields give it. A name that is not here has no test of whose it is. */
export const IDS: Readonly<Record<string, (tenant: Tenant) => string | number>> = {
  customer_id: ({ customerId }) => customerId,
  key_id: ({ spareKeyId }) => spareKeyId,
  session_id: ({ sessionId }) => sessionId,
  log_id: ({ logId }) => logId,
  request_id: ({ requestId }) => requestId,
  erasure_id: ({ erasureId }) => erasureId,
  robot_id: ({ robotId }) => robotId,
};

/** Names that everybody may know: what they name belongs to nobody. */
export const PUBLIC_IDS: Readonly<Record<string, string>> = { id: 'franka_panda' };

/** What an endpoint takes besides ids, where its contract shows no example that a gateway under test can serve. */
export const BODIES: Readonly<Record<string, object>> = { infer: inferenceRequest() };

export const schemaOfBody = ({ requestBody }: Operation): JsonSchema | undefined =>
  requestBody?.content['application/json'].schema;

/** A body as the document shows it, with a tenant's ids in place of those of the example. */
export function exampleBody(operation: Operation, tenant: Tenant): Record<string, unknown> | undefined {
  const schema = schemaOfBody(operation);
  if (schema === undefined) return undefined;
  const example = BODIES[operation.operationId] ?? operation.requestBody?.content['application/json'].example;
  if (typeof example !== 'object' || example === null)
    throw new Error(`${operation.operationId} shows no example body`);
  return Object.fromEntries(
    Object.entries(example).map(([name, value]) => [name, IDS[name] === undefined ? value : IDS[name](tenant)]),
  );
}

export function pathFor(path: string, tenant: Tenant): string {
  return path.replace(/\{([a-z_]+)\}/g, (_, name: string) => {
    const value = PUBLIC_IDS[name] ?? IDS[name]?.(tenant);
    if (value === undefined) throw new Error(`{${name}} of ${path} has no entry in IDS`);
    return encodeURIComponent(String(value));
  });
}

export type Checked = (endpoint: Endpoint, reply: RawReply) => string | null;

/** Says what of an answer is not as the document has it, or null. */
export function answerChecker(document: OpenApiDocument): Checked {
  const ajv = new Ajv2020({ strict: false, allErrors: false });
  formats.default(ajv);
  ajv.addSchema(document, 'openapi', false, false);
  const pointer = (...parts: string[]) =>
    parts.map((part) => `/${encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1'))}`).join('');
  return ({ method, operation, path }, { body, headers, status }) => {
    const response = operation.responses[String(status)];
    if (response === undefined) return `status ${status} is not documented: ${body.slice(0, 300)}`;
    if (headers['x-request-id'] === undefined) return 'no X-Request-Id';
    const [type, media] = Object.entries(response.content ?? {})[0] ?? [];
    if (type === undefined) return body === '' ? null : `a body where none is documented: ${body.slice(0, 300)}`;
    if (headers['content-type'] !== type) return `content type ${headers['content-type']} instead of ${type}`;
    if (type !== 'application/json' || media?.schema === undefined) return null;
    const ref = `openapi#${pointer('paths', path, method.toLowerCase(), 'responses', String(status), 'content', type, 'schema')}`;
    const check = ajv.getSchema(ref) ?? ajv.compile({ $ref: ref });
    if (check(JSON.parse(body))) return null;
    const [error] = check.errors ?? [];
    return `${status}${error?.instancePath} ${error?.message}: ${body.slice(0, 300)}`;
  };
}
