import { ERRORS, type ErrorCode } from '@sinew/protocol';
import type { z } from 'zod';
import { ErrorBody, ValidationIssue } from '../routes/error-body.js';
import { type Answer, type AnyRoute, pathParameters } from '../routes/route-contract.js';
import { type JsonSchema, SchemaWriter } from './json-schema.js';
import { refusalsOf } from './refusals.js';

export interface OpenApiOptions {
  readonly version: string;
  /** Schemas that stand once under the components, with their names; the body of errors is one of them anyway. */
  readonly shared?: ReadonlyMap<z.ZodType, string>;
}

export interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query' | 'header';
  readonly required: boolean;
  readonly description?: string;
  readonly schema: JsonSchema;
}

export interface MediaType {
  readonly schema?: JsonSchema;
  readonly example?: unknown;
}

export interface Response {
  readonly description: string;
  readonly headers?: Readonly<Record<string, unknown>>;
  readonly content?: Readonly<Record<string, MediaType>>;
}

export interface Operation {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly summary: string;
  readonly description?: string;
  readonly security: readonly Readonly<Record<string, readonly string[]>>[];
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: {
    readonly required: boolean;
    readonly content: { readonly 'application/json': MediaType };
  };
  readonly responses: Readonly<Record<string, Response>>;
}

export interface OpenApiDocument {
  readonly openapi: '3.1.0';
  readonly info: Readonly<Record<string, unknown>> & { readonly title: string; readonly version: string };
  readonly tags: readonly { readonly name: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: {
    readonly schemas: Readonly<Record<string, JsonSchema>>;
    readonly headers: Readonly<Record<string, unknown>>;
    readonly securitySchemes: Readonly<Record<string, unknown>>;
  };
}

const KEY = 'apiKey';

const HEADERS = {
  'X-Request-Id': {
    description: 'Names the request in logs; in every error as `request_id` too.',
    schema: { type: 'string', format: 'uuid' },
  },
  'RateLimit-Limit': {
    description:
      'Requests that the customer has after a pause, and a minute (draft-ietf-httpapi-ratelimit-headers-06).',
    schema: { type: 'string', pattern: '^[0-9]+$' },
  },
  'RateLimit-Remaining': {
    description: 'Requests that are left now.',
    schema: { type: 'string', pattern: '^[0-9]+$' },
  },
  'RateLimit-Reset': {
    description: 'Seconds until all of them are there again.',
    schema: { type: 'string', pattern: '^[0-9]+$' },
  },
  'Retry-After': {
    description: 'Seconds after which the same request may succeed.',
    schema: { type: 'string', pattern: '^[0-9]+$' },
  },
} as const;

const headerRefs = (names: readonly (keyof typeof HEADERS)[]): Record<string, { $ref: string }> =>
  Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]));

const EVERYWHERE = ['X-Request-Id'] as const;
const WITH_KEY = [...EVERYWHERE, 'RateLimit-Limit', 'RateLimit-Remaining', 'RateLimit-Reset'] as const;

/** The OpenAPI 3.1 document of the endpoints; plain data, the same for the same records. */
export function openApiDocument(routes: readonly AnyRoute[], { shared, version }: OpenApiOptions): OpenApiDocument {
  const schemas = new SchemaWriter(
    new Map<z.ZodType, string>([[ErrorBody, 'Error'], [ValidationIssue, 'ValidationIssue'], ...(shared ?? [])]),
  );
  const paths: Record<string, Record<string, Operation>> = {};
  for (const route of routes) {
    paths[route.path] = { ...paths[route.path], [route.method]: operationOf(route, schemas) };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Sinew',
      version,
      summary: 'Connects robots to vision-language-action models.',
      description:
        'Robots that move use the WebSocket at `/v1/stream` (subprotocol `sinew.v1`); this document is of everything else. ' +
        'Errors have one body; what may succeed later says when in `Retry-After`.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    tags: [...new Set(routes.map(({ tag }) => tag))].map((name) => ({ name })),
    paths,
    components: {
      schemas: schemas.components(),
      headers: HEADERS,
      securitySchemes: {
        [KEY]: { type: 'http', scheme: 'bearer', description: 'An API key: `Authorization: Bearer vla_live_…`.' },
      },
    },
  };
}

function operationOf(route: AnyRoute, schemas: SchemaWriter): Operation {
  const parameters = parametersOf(route, schemas);
  const { access, body, description, example } = route;
  const bodySchema = body === undefined ? null : schemas.input(body);
  return {
    operationId: route.operation,
    tags: [route.tag],
    summary: route.summary,
    description: [description, accessNote(route)].filter((text) => text !== undefined).join('\n\n'),
    security: access.kind === 'open' ? [] : [{ [KEY]: [] }, ...(access.kind === 'operator' ? [{}] : [])],
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(body === undefined || bodySchema === null
      ? {}
      : {
          requestBody: {
            required: !body.safeParse(undefined).success,
            content: {
              'application/json': {
                schema: bodySchema,
                ...(example?.body === undefined ? {} : { example: example.body }),
              },
            },
          },
        }),
    responses: { ...answersOf(route, schemas), ...refusals(route) },
  };
}

function accessNote({ access }: AnyRoute): string {
  if (access.kind === 'open') return 'Needs no key.';
  if (access.kind === 'operator') {
    return 'For whoever is on the gateway’s machine, or a key with the scope `admin` of a customer that operates the installation.';
  }
  return access.scope === null ? 'Needs a key, of any scope.' : `Needs a key with the scope \`${access.scope}\`.`;
}

function parametersOf(route: AnyRoute, schemas: SchemaWriter): Parameter[] {
  const names = pathParameters(route.path);
  const path = route.params === undefined ? {} : propertiesOf(schemas.input(route.params));
  const query = route.query === undefined ? {} : propertiesOf(schemas.input(route.query));
  return [
    ...names.map((name) => parameter(name, 'path', true, path[name]?.schema ?? { type: 'string' })),
    ...Object.entries(query).map(([name, { required, schema }]) => parameter(name, 'query', required, schema)),
    ...(route.headers ?? []).map(({ description, name, schema }) => ({
      ...parameter(name, 'header', !schema.safeParse(undefined).success, schemas.input(schema)),
      description,
    })),
  ];
}

/** A description stands beside the schema, where readers of the document look for it. */
function parameter(name: string, place: Parameter['in'], required: boolean, schema: JsonSchema): Parameter {
  const { description, ...rest } = schema;
  return {
    name,
    in: place,
    required,
    ...(typeof description === 'string' ? { description } : {}),
    schema: rest,
  };
}

function propertiesOf(schema: JsonSchema): Record<string, { required: boolean; schema: JsonSchema }> {
  const required = Array.isArray(schema.required) ? schema.required : [];
  return Object.fromEntries(
    Object.entries((schema.properties ?? {}) as Record<string, JsonSchema>).map(([name, each]) => [
      name,
      { required: required.includes(name), schema: each },
    ]),
  );
}

function answersOf(route: AnyRoute, schemas: SchemaWriter): Record<string, Response> {
  return Object.fromEntries(
    Object.entries(route.answers).map(([status, answer], i) => [
      status,
      {
        description: answer.description,
        headers: headerRefs(route.access.kind === 'key' ? WITH_KEY : EVERYWHERE),
        ...contentOf(answer, schemas, i === 0 ? route.example?.answer : undefined),
      },
    ]),
  );
}

function contentOf(answer: Answer, schemas: SchemaWriter, example: unknown): Pick<Response, 'content'> {
  if (answer.schema === null) {
    return answer.contentType === undefined
      ? {}
      : { content: { [answer.contentType]: { schema: { type: 'string' } } } };
  }
  const media = { schema: schemas.output(answer.schema), ...(example === undefined ? {} : { example }) };
  return { content: { [answer.contentType ?? 'application/json']: media } };
}

function refusals(route: AnyRoute): Record<string, Response> {
  const success = new Set(Object.keys(route.answers));
  return Object.fromEntries(
    [...refusalsOf(route)]
      .filter(([status]) => !success.has(String(status)))
      .map(([status, codes]) => [status, refusal(status, codes)]),
  );
}

/** Where the table of errors speaks of frames. */
const IN_REST: Readonly<Partial<Record<ErrorCode, string>>> = {
  bad_message: 'The body is not JSON in UTF-8.',
  validation_failed: 'A field breaks a rule; `validation_errors` names each, `field` and `reason` the first.',
  model_error: 'The policy failed on this observation.',
};

function refusal(status: number, codes: readonly ErrorCode[]): Response {
  const retry = codes.some((code) => ERRORS[code].retry);
  const meaning = (code: ErrorCode) =>
    status === 413 ? 'The body is too large.' : (IN_REST[code] ?? ERRORS[code].meaning);
  return {
    description: codes.map((code) => `\`${code}\`: ${meaning(code)}`).join('\n\n'),
    headers: headerRefs(retry ? [...EVERYWHERE, 'Retry-After'] : EVERYWHERE),
    content: {
      'application/json': {
        schema: {
          allOf: [{ $ref: '#/components/schemas/Error' }, { properties: { error: { enum: codes } } }],
        },
      },
    },
  };
}
