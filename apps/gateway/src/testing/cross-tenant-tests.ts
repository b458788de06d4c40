import { ALL_ROUTES, type AnyRoute, type OpenApiDocument } from '@sinew/contracts';
import type { ServerDatabase } from '@sinew/db/testing';
import { v7 as uuidv7 } from 'uuid';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Endpoint, endpointsOf, exampleBody, IDS, PUBLIC_IDS, readDocument } from './api-client.js';
import { type GatewayProcess, startGatewayProcess, type Tenant } from './gateway-process.js';
import { type RawReply, rawRequest } from './raw-request.js';

/** A name that ends so names something, and something belongs to somebody. */
const NAMES_SOMETHING = /(^|_)id$/;

/** What the caller's own id is answered with, where that is not what everybody is told: it is told nothing either. */
type Expectation = (reply: RawReply, body: Record<string, unknown>) => void;

const empty =
  (list: string): Expectation =>
  ({ status }, body) =>
    expect([status, body[list], body.total_count]).toEqual([200, [], 0]);

/** Endpoints that answer a stranger’s id with what they answer an unknown one, and that is not 404. */
const AS_IF_UNKNOWN: Readonly<Record<string, Expectation>> = {
  // A robot’s name is its customer’s own: another customer’s robot of that name is another robot.
  clearEstop: ({ status }, body) => expect([status, body.cleared, body.session_id]).toEqual([200, false, null]),
  listSessions: empty('sessions'),
  listLogs: empty('logs'),
  // So is a request_id: see below.
  infer: ({ status }) => expect(status).toBe(200),
};

/** Tables with a customer’s rows. */
const TABLES = [
  'customers',
  'api_keys',
  'sessions',
  'episodes',
  'inference_logs',
  'safety_incidents',
  'feedback',
  'customer_data_consent',
  'customer_consent_audit',
  'erasures',
  'quality_gate_failures',
  'context_metadata',
  'usage_days',
];

interface NamedId {
  readonly operation: string;
  readonly place: 'path' | 'query' | 'body';
  readonly name: string;
}

/** Every place of every endpoint with a key where an id may stand. */
const PLACES: NamedId[] = ALL_ROUTES.filter(({ access }) => access.kind !== 'open').flatMap((route) => [
  ...namesOf(route.params).map((name) => ({ operation: route.operation, place: 'path' as const, name })),
  ...namesOf(route.query).map((name) => ({ operation: route.operation, place: 'query' as const, name })),
  ...namesOf(route.body).map((name) => ({ operation: route.operation, place: 'body' as const, name })),
]);

function namesOf(schema: AnyRoute['params']): string[] {
  const shape = schema !== undefined && 'shape' in schema ? (schema.shape as object) : {};
  return Object.keys(shape).filter((name) => NAMES_SOMETHING.test(name) && !(name in PUBLIC_IDS));
}

/** At a gateway with everything mounted: whatever takes an id is asked for another customer’s. */
export function registerCrossTenantTests(connect?: () => Promise<ServerDatabase>): void {
  let server: GatewayProcess;
  let document: OpenApiDocument;
  let before: string;

  beforeAll(async () => {
    server = await startGatewayProcess(connect);
    document = await readDocument(server);
    before = await everythingOf(server.theirs);
  }, 60_000);
  afterAll(() => server.stop());

  async function everythingOf({ customerId }: Tenant): Promise<string> {
    const rows = [];
    for (const table of TABLES) {
      // But for when its own requests used its key, and for the gateway's own work on what it has asked for itself.
      const { rows: found } = await server.pool.query(
        `SELECT to_jsonb(t) - ARRAY['last_used_at', 'finished_at', 'report'] AS row FROM vlaapi.${table} t WHERE customer_id = $1 ORDER BY t::text`,
        [customerId],
      );
      rows.push([table, found]);
    }
    return JSON.stringify(rows);
  }

  const endpointOf = (operation: string): Endpoint => {
    const found = endpointsOf(document).find((each) => each.operation.operationId === operation);
    if (found === undefined) throw new Error(`${operation} is not in the document`);
    return found;
  };

  /** `mine` asks with its own ids, but for one place, where `id` stands. */
  function ask({ name, operation, place }: NamedId, id: string, asker: Tenant): Promise<RawReply> {
    const endpoint = endpointOf(operation);
    const path = endpoint.path.replace(/\{([a-z_]+)\}/g, (_, each: string) =>
      encodeURIComponent(place === 'path' && each === name ? id : String(PUBLIC_IDS[each] ?? IDS[each]?.(asker))),
    );
    const body = exampleBody(endpoint.operation, asker);
    const value = typeof IDS[name]?.(asker) === 'number' ? Number(id) : id;
    return rawRequest(server.http, endpoint.method, place === 'query' ? `${path}?${name}=${id}` : path, {
      headers: { Authorization: `Bearer ${asker.key}` },
      body: body === undefined ? undefined : JSON.stringify(place === 'body' ? { ...body, [name]: value } : body),
    });
  }

  /** An id of the same kind that nobody has. */
  function nobodys(name: string): string {
    if (name === 'log_id') return String(server.theirs.logId + 8_192 * 3_600_000);
    return name === 'robot_id' ? 'arm-of-nobody' : uuidv7();
  }

  /** What an answer tells, without what differs from request to request. */
  function told({ body, status }: RawReply, ...ids: string[]): unknown {
    let text = body.replace(/"request_id":"[^"]+"/g, '');
    for (const id of ids) text = text.replaceAll(id, '…');
    return [status, text];
  }

  test('every id that an endpoint takes has a case here', () => {
    const unknown = PLACES.filter(({ name }) => IDS[name] === undefined);
    expect(unknown).toEqual([]);
    expect(PLACES.length).toBeGreaterThan(15);
  });

  describe('with another customer’s id', () => {
    test.each(PLACES.map((place) => [place.operation, place.place, place.name, place] as const))(
      '%s, %s %s: answered as if it were nobody’s',
      async (operation, _place, name, place) => {
        const theirs = String(IDS[name]?.(server.theirs));
        const nobody = nobodys(name);
        const [foreign, unknown] = [await ask(place, theirs, server.mine), await ask(place, nobody, server.mine)];
        const expectation = AS_IF_UNKNOWN[operation];
        if (expectation === undefined) expect([foreign.status, unknown.status], foreign.body).toEqual([404, 404]);
        else expectation(foreign, JSON.parse(foreign.body));
        if (operation !== 'infer') expect(told(foreign, theirs)).toEqual(told(unknown, nobody));
      },
      20_000,
    );

    test('infer: a request_id finds no answer that another customer was given', async () => {
      const place = { operation: 'infer', place: 'body', name: 'request_id' } as const;
      const shared = uuidv7();
      const [theirs, mine] = [await ask(place, shared, server.theirs), await ask(place, shared, server.mine)];
      expect([theirs.status, mine.status]).toEqual([200, 200]);
      expect(JSON.parse(mine.body).log_id).not.toBe(JSON.parse(theirs.body).log_id);
    });

    test('nothing of that customer has changed', async () => {
      expect(JSON.parse(await everythingOf(server.theirs))).toEqual(JSON.parse(before));
    });
  });

  describe('a key without the scope `admin` administers nothing, its own customer neither', () => {
    const admin = ALL_ROUTES.filter(({ access }) => access.kind === 'key' && access.scope === 'admin');

    test.each(admin.map((route) => [route.operation, route] as const))('%s is 403', async (operation) => {
      const { key } = await server.repo.accounts.createKey(server.mine.customerId, { name: 'robot' });
      const endpoint = endpointOf(operation);
      const path = endpoint.path.replace(/\{([a-z_]+)\}/g, (_, each: string) => String(IDS[each]?.(server.mine)));
      const reply = await rawRequest(server.http, endpoint.method, path, {
        headers: { Authorization: `Bearer ${key}` },
      });
      expect(reply.status).toBe(403);
    });
  });

  // Last, as some of it ends what the others need: that the ids above are refused because of whose they are.
  describe('with its own ids', () => {
    const ends = ({ operation }: NamedId) => ['eraseLog', 'eraseCustomer', 'rotateKey', 'revokeKey'].indexOf(operation);
    // A recording is of a session that goes on, and lasts as long: see recordings.test.ts.
    const own = PLACES.filter(({ operation }) => operation !== 'recordSession').toSorted((a, b) => ends(a) - ends(b));

    test.each(own.map((place) => [place.operation, place.place, place.name, place] as const))(
      '%s, %s %s: answered',
      async (_operation, _place, name, place) => {
        const reply = await ask(place, String(IDS[name]?.(server.mine)), server.mine);
        expect(reply.status, reply.body).toBeLessThan(300);
      },
      20_000,
    );
  });
}
