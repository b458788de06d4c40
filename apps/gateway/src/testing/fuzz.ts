import type { OpenApiDocument } from '@sinew/contracts';
import type { ServerDatabase } from '@sinew/db/testing';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  answerChecker,
  type Checked,
  type Endpoint,
  endpointsOf,
  exampleBody,
  IDS,
  PUBLIC_IDS,
  pathFor,
  readDocument,
  schemaOfBody,
} from './api-client.js';
import { type GatewayProcess, startGatewayProcess, type Tenant } from './gateway-process.js';
import { type RawReply, rawRequest } from './raw-request.js';
import { garbageBody, nearly, ODD, valid } from './schema-arbitrary.js';

const seed = Number(process.env.SINEW_TEST_SEED ?? Date.now() % 2 ** 31);

/** Endpoints that are asked at a time. */
const AT_ONCE = 6;

/** Of a request that is answered 503. */
const MOST_TRIES = 5;

/** They end what the others need. */
const DESTRUCTIVE = ['eraseCustomer', 'eraseLog', 'revokeKey', 'rotateKey', 'updateCustomer'];
const destructive = ({ operation }: Endpoint): boolean => DESTRUCTIVE.includes(operation.operationId);

/** `runs` requests to each endpoint, from nearly right to nonsense, at a gateway with everything mounted. */
export function registerFuzzTests(runs: number, connect?: () => Promise<ServerDatabase>): void {
  let server: GatewayProcess;
  let document: OpenApiDocument;
  let endpoints: Endpoint[];
  let fault: Checked;

  beforeAll(async () => {
    server = await startGatewayProcess(connect);
    document = await readDocument(server);
    endpoints = endpointsOf(document);
    fault = answerChecker(document);
  }, 60_000);
  afterAll(() => server.stop());

  /** A request that is right in everything. */
  const rightRequest = ({ method, operation, path }: Endpoint, key: string): Promise<RawReply> => {
    const body = exampleBody(operation, server.mine);
    return rawRequest(server.http, method, pathFor(path, server.mine), {
      headers: { Authorization: `Bearer ${key}`, 'Content-Type': 'application/json' },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  };

  const word = fc.oneof(
    fc.string({ unit: 'binary', minLength: 1, maxLength: 20 }),
    fc.constantFrom(
      ...ODD.filter((odd): odd is string => typeof odd === 'string' && odd !== '').map((odd) => odd.slice(0, 300)),
    ),
    fc.integer().map(String),
    fc.uuid(),
  );

  /** Percent-encoded; a lone half of a pair has no encoding and is sent as bytes that are no UTF-8. */
  const encoded = (text: string): string => {
    try {
      return encodeURIComponent(text);
    } catch {
      return '%ED%A0%80';
    }
  };

  /** With ids that there are, of somebody. */
  const withIds = (body: unknown, tenant: Tenant): unknown =>
    typeof body !== 'object' || body === null
      ? body
      : Object.fromEntries(Object.entries(body).map(([name, value]) => [name, IDS[name]?.(tenant) ?? value]));

  /** A machine with more to do than to wait may be told to come again; whoever does is served. */
  async function patiently(send: () => Promise<RawReply>): Promise<RawReply> {
    for (let tries = 1; ; tries++) {
      const reply = await send();
      if (reply.status !== 503 || tries === MOST_TRIES) return reply;
      await new Promise((resolve) => setTimeout(resolve, 1_000 * Number(reply.headers['retry-after'])));
    }
  }

  /** A few at a time: some wait for seconds for an inference that may be on its way. */
  async function together(endpoints: readonly Endpoint[], work: (endpoint: Endpoint) => Promise<void>): Promise<void> {
    const left = [...endpoints];
    const worker = async () => {
      for (let next = left.shift(); next !== undefined; next = left.shift()) await work(next);
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
  }

  interface Fired {
    readonly path: string;
    readonly key: string | null;
    readonly headers: Readonly<Record<string, string>>;
    readonly body: string | Uint8Array | undefined;
  }

  /** Requests to one endpoint from nearly right to nonsense. */
  function requests({ operation, path }: Endpoint): fc.Arbitrary<Fired> {
    const { mine, operator, theirs } = server;
    const parameters = operation.parameters ?? [];
    const segments = [...path.matchAll(/\{([a-z_]+)\}/g)].map((match) => match[1] ?? '');
    const id = (name: string) => {
      const known = [PUBLIC_IDS[name], IDS[name]?.(mine), IDS[name]?.(theirs)].filter((value) => value !== undefined);
      if (known.length === 0) return word;
      return fc.oneof({ arbitrary: fc.constantFrom(...known.map(String)), weight: 3 }, { arbitrary: word, weight: 1 });
    };
    const filled = fc
      .tuple(...segments.map(id))
      .map((values) => segments.reduce((all, name, i) => all.replace(`{${name}}`, encoded(values[i] ?? '')), path));
    const asked = parameters.filter((each) => each.in === 'query');
    const query = fc
      .record(Object.fromEntries(asked.map(({ name, schema }) => [name, fc.oneof(valid(schema), word, id(name))])), {
        requiredKeys: [],
      })
      .chain((some) => fc.tuple(fc.constant(some), fc.option(fc.tuple(word, word), { freq: 6 })))
      .map(([some, extra]) => [...Object.entries(some), ...(extra === null ? [] : [extra])])
      .map((pairs) => pairs.map(([name, value]) => `${encoded(name)}=${encoded(String(value))}`).join('&'));
    const schema = schemaOfBody(operation);
    const example = exampleBody(operation, mine);
    const body =
      schema === undefined
        ? fc.option(garbageBody, { freq: 6, nil: undefined })
        : fc.oneof(
            valid(schema).map((value) => JSON.stringify(value)),
            fc
              .tuple(valid(schema), fc.constantFrom(mine, theirs))
              .map(([value, tenant]) => JSON.stringify(withIds(value, tenant))),
            nearly(fc.constant(example)).map((value) => JSON.stringify(value)),
            nearly(valid(schema)).map((value) => JSON.stringify(value)),
            garbageBody,
          );
    const named = parameters.filter((each) => each.in === 'header').map(({ name }) => name);
    const headers = fc
      .tuple(...named.map(() => fc.option(fc.string({ unit: 'grapheme-ascii', maxLength: 200 }), { nil: '' })))
      .map((values) => Object.fromEntries(named.map((name, i) => [name, values[i] ?? ''])));
    const key = fc.oneof(
      { arbitrary: fc.constantFrom(mine.key, operator.key), weight: 10 },
      { arbitrary: fc.constantFrom(null, 'vla_live_unknown-key-000000000000000000000000001', 'x'), weight: 1 },
    );
    return fc.record({
      path: fc.tuple(filled, query).map(([at, what]) => (what === '' ? at : `${at}?${what}`)),
      key,
      headers,
      body,
    });
  }

  describe(`whatever is asked, the answer is as documented (SINEW_TEST_SEED=${seed})`, () => {
    test('right requests succeed everywhere', async () => {
      for (const endpoint of endpoints) {
        const { operationId } = endpoint.operation;
        // A recording is of a session that goes on: see recordings.test.ts.
        if (destructive(endpoint) || operationId === 'recordSession') continue;
        const reply = await rightRequest(
          endpoint,
          operationId === 'createCustomer' ? server.operator.key : server.mine.key,
        );
        expect(fault(endpoint, reply), operationId).toBeNull();
        expect(reply.status, `${operationId}: ${reply.body.slice(0, 300)}`).toBeLessThan(300);
      }
    });

    test('wrong requests are told so, and nothing breaks', async () => {
      const fuzz = async (endpoint: Endpoint) => {
        const { method } = endpoint;
        await fc.assert(
          fc.asyncProperty(requests(endpoint), async ({ body, headers, key, path }) => {
            const reply = await patiently(() =>
              rawRequest(server.http, method, path, {
                headers: { ...headers, ...(key === null ? {} : { Authorization: `Bearer ${key}` }) },
                body,
              }),
            );
            // Of the HTTP server itself, before any endpoint: more headers than it reads.
            if (reply.status === 431) return;
            const wrong = fault(endpoint, reply);
            if (wrong !== null) throw new Error(`${method} ${path}: ${wrong}`);
            if (reply.status >= 500) throw new Error(`${method} ${path}: ${reply.status} ${reply.body}`);
          }),
          { seed, numRuns: runs, endOnFailure: true },
        );
      };
      await together(
        endpoints.filter((each) => !destructive(each)),
        fuzz,
      );
      await together(endpoints.filter(destructive), fuzz);
      expect(server.logged()).not.toContain('request failed');
    }, 600_000);
  });
}
