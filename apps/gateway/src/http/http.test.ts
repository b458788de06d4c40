import { inferRoute } from '@sinew/contracts';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  ADMIN_KEY,
  KEY,
  OPERATOR_KEY,
  startTestGateway,
  type TestGateway,
  WATCH_ONLY_KEY,
} from '../testing/test-gateway.js';

let server: TestGateway;
let image: string;
beforeAll(async () => {
  server = await startTestGateway();
  const pixels = Buffer.from(Uint8Array.from({ length: 96 * 96 * 3 }, (_, i) => (i * 2654435761) >>> 24));
  const jpeg = await sharp(pixels, { raw: { width: 96, height: 96, channels: 3 } })
    .jpeg()
    .toBuffer();
  image = `data:image/jpeg;base64,${jpeg.toString('base64')}`;
});
afterAll(() => server.stop());

// biome-ignore lint/suspicious/noExplicitAny: answers are checked field by field below
const bodyOf = async (response: Response): Promise<any> => response.json();

const get = (path: string, headers: Record<string, string> = {}) => fetch(`${server.http}${path}`, { headers });

const post = (body: unknown, key: string | null = KEY) =>
  fetch(`${server.http}/v1/inference`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...(key === null ? {} : { Authorization: `Bearer ${key}` }) },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });

const request = () => ({
  image,
  instruction: 'pick up the red cube',
  robot_config: { type: 'franka_panda' },
  state: [0.3, 0, 0.3, 0, 0, 0, 1],
});

test('health is open and says healthy once models are warm', async () => {
  const response = await get('/health');
  expect(response.status).toBe(200);
  expect(await bodyOf(response)).toEqual({ status: 'healthy' });
});

test('detailed health names every component', async () => {
  const body = await bodyOf(await get('/health/detailed'));
  expect(body.components).toMatchObject({
    database: { status: 'healthy' },
    journal: { status: 'ok' },
    models: { null: { status: 'ready' } },
    sessions: { active: expect.any(Number) },
  });
});

test('metrics count inferences and requests', async () => {
  await post(request());
  const text = await (await get('/metrics')).text();
  expect(text).toMatch(/vla_inference_requests_total\{model="null",robot_type="franka_panda",status="ok"\} [1-9]/);
  expect(text).toContain('vla_api_requests_total{method="POST",endpoint="/v1/inference",status="200"}');
});

test('robots and models are listed; an unknown robot is 404 with the nearest names', async () => {
  const { robots } = await bodyOf(await get('/v1/robots'));
  expect(robots.length).toBe(60);
  expect(robots[0]).toMatchObject({ id: 'franka_panda', has_geometry: true });
  expect(robots[0].aliases).toContain('panda');
  const panda = await bodyOf(await get('/v1/robots/franka_panda'));
  expect(panda).toMatchObject({
    id: 'franka_panda',
    dof: 7,
    confidence: { joint_positions: 'vendor_repo' },
    limits: { reduced: { cartesian: { v: { value: 0.25, origin: 'mode' } } } },
    action_spaces: { ee_delta: { refused: null, checks: { tcp_box: { applies: true } } } },
  });
  expect(panda.geometry.tcp).toContain('Franka Hand');
  expect(panda.source.length).toBeGreaterThan(0);
  expect(await bodyOf(await get('/v1/robots/panda'))).toEqual(panda);
  const missing = await get('/v1/robots/franka_pando');
  expect(missing.status).toBe(404);
  expect((await bodyOf(missing)).details.nearest).toContain('franka_panda');
  const { models } = await bodyOf(await get('/v1/models'));
  expect(models[0]).toMatchObject({ id: 'null', status: 'ready' });
});

test('one inference over REST is governed, logged and answered in the documented shape', async () => {
  const response = await post(request());
  const body = await bodyOf(response);
  expect(response.status, JSON.stringify(body)).toBe(200);
  expect(body).toMatchObject({
    action: { type: '7dof', values: expect.any(Array) },
    safety: { overall_score: expect.any(Number), checks_passed: expect.any(Number), flags: expect.any(Array) },
    performance: {
      latency_ms: expect.any(Number),
      queue_wait_ms: expect.any(Number),
      inference_ms: expect.any(Number),
    },
    log_id: expect.any(Number),
    request_id: expect.any(String),
  });
  expect(body.action.values).toHaveLength(7);
  const logged = await server.journaled();
  expect(logged.some((record) => record.kind === 'inference' && record.log_id === body.log_id)).toBe(true);
});

test.each([
  ['no body', () => '', 422, 'body'],
  ['what is no JSON', () => 'not json', 400, 'body'],
  ['a field of another name', () => ({ ...request(), instructions: 'pick up the red cube' }), 422, 'instructions'],
  ['a nested one', () => ({ ...request(), robot_config: { type: 'ur5', speed: 9 } }), 422, 'robot_config.speed'],
  ['U+0000', () => ({ ...request(), instruction: 'pick up the red \0cube' }), 422, 'instruction'],
  ['half a character', () => ({ ...request(), instruction: 'pick up the red \ud800cube' }), 422, 'instruction'],
  ['no image', () => ({ ...request(), image: undefined }), 422, 'image'],
  [
    'a picture that is none',
    () => ({ ...request(), image: `data:image/jpeg;base64,${'QUJD'.repeat(600)}` }),
    422,
    'image',
  ],
  ['a short instruction', () => ({ ...request(), instruction: 'go' }), 422, 'instruction'],
  ['an unknown robot', () => ({ ...request(), robot_config: { type: 'unknown' } }), 422, 'robot_config.type'],
  ['a state of the wrong length', () => ({ ...request(), state: [1] }), 422, 'state'],
  ['an unknown model', () => ({ ...request(), model: 'gpt' }), 422, 'model'],
])('%s is refused with its field', async (_name, body, status, field) => {
  const response = await post(body());
  const answer = await bodyOf(response);
  expect(response.status).toBe(status);
  expect(answer).toMatchObject({ field, status_code: status, request_id: expect.any(String) });
});

test('the request that the documentation shows is served as it stands there', async () => {
  // But for the policy, which is another one in tests.
  const response = await post({ ...inferRoute.example?.body, model: undefined });
  expect(await bodyOf(response)).toMatchObject({ safety: {} });
  expect(response.status).toBe(200);
});

test('inference without a key is 401, without the scope 403, over the size limit 413', async () => {
  expect((await post(request(), null)).status).toBe(401);
  expect((await post(request(), WATCH_ONLY_KEY)).status).toBe(403);
  expect((await post('x'.repeat(7_000_000))).status).toBe(413);
});

test('the workspace of a request is taken, and refused where it is none', async () => {
  const inside = { min: [-0.5, -0.5, 0], max: [0.5, 0.5, 0.6] };
  const response = await post({ ...request(), robot_config: { type: 'franka_panda', workspace: inside } });
  expect(response.status).toBe(200);
  for (const workspace of [
    { min: inside.max, max: inside.min },
    { min: [-8, -8, 0], max: [8, 8, 1] },
  ]) {
    const refused = await post({ ...request(), robot_config: { type: 'franka_panda', workspace } });
    expect([refused.status, await bodyOf(refused)]).toMatchObject([422, { field: 'robot_config.workspace' }]);
  }
  const counts = await (await get('/metrics')).text();
  for (const reason of ['misordered', 'out_of_reach']) {
    expect(counts).toContain(`vla_validation_failures_total{field="workspace",reason="${reason}"} 1\n`);
  }
});

test('a state that the policy needs and nobody sent is asked for by its names', async () => {
  const response = await post({ ...request(), state: undefined });
  expect([response.status, await bodyOf(response)]).toMatchObject([
    422,
    { field: 'state', reason: expect.stringContaining('7 numbers') },
  ]);
});

test.each([
  ['POST', '/v1/robots', 'GET, HEAD'],
  ['PATCH', '/v1/inference', 'POST'],
  ['DELETE', '/v1/admin/robots/arm-1/estop-clear', 'POST'],
])('%s %s is 405, and Allow names what there is', async (method, path, allow) => {
  const response = await fetch(`${server.http}${path}`, { method });
  expect([response.status, response.headers.get('allow')]).toEqual([405, allow]);
  expect(await bodyOf(response)).toMatchObject({ error: 'method_not_allowed', status_code: 405 });
});

test.each([
  ['/health', 200],
  ['/v1/robots', 200],
  ['/v1/robots/nobody', 404],
  ['/nothing', 404],
])('HEAD %s is answered like GET, without the body', async (path, status) => {
  const [head, whole] = [await fetch(`${server.http}${path}`, { method: 'HEAD' }), await get(path)];
  expect([head.status, await head.text()]).toEqual([status, '']);
  expect(head.headers.get('content-length')).toBe(String((await whole.text()).length));
});

test('who comes through a proxy on this machine is not on this machine', async () => {
  expect((await get('/metrics', { 'X-Forwarded-For': '203.0.113.9' })).status).toBe(401);
  expect((await get('/metrics', { Forwarded: 'for=203.0.113.9' })).status).toBe(401);
  expect((await get('/metrics', { 'X-Real-IP': '203.0.113.9' })).status).toBe(401);
  expect((await get('/metrics', { Via: '1.1 proxy' })).status).toBe(401);
});

test('an operator’s endpoint takes no key of somebody else, whatever its scope', async () => {
  const remote = (key: string) => get('/health/detailed', { Forwarded: 'for=x', Authorization: `Bearer ${key}` });
  expect((await remote(KEY)).status).toBe(403);
  expect((await remote(ADMIN_KEY)).status).toBe(403);
  expect((await remote(OPERATOR_KEY)).status).toBe(200);
});

test('the address of the stream, asked without an upgrade, says what it speaks', async () => {
  const response = await get('/v1/stream');
  expect([response.status, response.headers.get('upgrade')]).toEqual([426, 'websocket']);
  expect(await bodyOf(response)).toMatchObject({ error: 'bad_message', status_code: 426 });
});

test('an unknown path is 404 in the same error shape', async () => {
  const response = await get('/nothing');
  expect(response.status).toBe(404);
  expect(await bodyOf(response)).toMatchObject({ status_code: 404, request_id: expect.any(String) });
});
