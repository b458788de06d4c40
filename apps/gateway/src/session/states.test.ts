import { createNullBackend, nullBundle, type PolicyBackend, Scheduler } from '@sinew/policy';
import { afterEach, expect, test } from 'vitest';
import { monotonicClock } from '../clock.js';
import { ModelCatalogue } from '../models.js';
import { OPEN, observation, startTestGateway, type TestGateway } from '../testing/test-gateway.js';

let server: TestGateway | null = null;
afterEach(async () => {
  await server?.stop();
  server = null;
});

/** The null policy behind a backend that a test can make fail. */
async function modelsWith(run: (backend: PolicyBackend) => Partial<PolicyBackend>): Promise<ModelCatalogue> {
  const bundle = nullBundle();
  const inner = createNullBackend({ bundle });
  await inner.start();
  const methods = ['start', 'warmUp', 'available', 'onAvailability', 'run', 'stats', 'close'] as const;
  const bound = Object.fromEntries(
    methods.map((name) => [name, (inner[name] as (...a: never[]) => unknown).bind(inner)]),
  );
  const backend = {
    slots: inner.slots,
    depth: inner.depth,
    maxBatch: inner.maxBatch,
    ...bound,
    ...run(inner),
  } as unknown as PolicyBackend;
  const scheduler = new Scheduler({ backend, now: () => monotonicClock.now() });
  return new ModelCatalogue([{ bundle, backend, scheduler, description: bundle.describe(), status: 'ready' }]);
}

test('[S1] a session is held, active, detached and closed in turn, and not resumable once closed', async () => {
  server = await startTestGateway({ settings: { resume_window_ms: 300 } });
  const client = await server.connect();
  client.send({ ...OPEN, control_hz: 50, stale_after_ms: 100 });
  const opened = await client.next('opened');
  const session = server.gateway.sessions.get(opened.session_id);
  if (session === undefined) throw new Error('no session');
  expect(session.state.kind).toBe('active');
  client.send(observation(0));
  await client.next('hold', (hold) => hold.reason === 'stale');
  expect(session.state).toMatchObject({ kind: 'held', reason: 'stale' });
  client.send(observation(1));
  await client.next('action');
  expect(session.state.kind).toBe('active');
  client.terminate();
  await expect.poll(() => session.state.kind).toBe('detached');
  await expect.poll(() => session.state.kind).toBe('closed');
  expect(session.state).toMatchObject({ reason: 'resume_window_expired' });
  const late = await server.connect();
  late.send({ type: 'open', resume: { session_id: opened.session_id, token: opened.resume_token } });
  expect(await late.next('error')).toMatchObject({ code: 'resume_failed' });
});

test('[S12] a policy that fails is told as model_error, and the session holds for it and recovers', async () => {
  let broken = true;
  const models = await modelsWith((inner) => ({
    run: async (slot, inputs, deadline) =>
      broken
        ? {
            outputs: inputs.map(() => ({ ok: false as const, code: 'model_error' as const, reason: 'broken' })),
            decodeMs: 0,
            inferMs: 1,
          }
        : inner.run(slot, inputs, deadline),
  }));
  server = await startTestGateway({ models });
  const client = await server.robot({ control_hz: 20 });
  let seq = 0;
  const timer = setInterval(() => client.send(observation(seq++)), 40);
  try {
    expect(await client.next('error')).toMatchObject({ code: 'model_error', fatal: false, observation_seq: 0 });
    await client.next('hold', (hold) => hold.reason === 'model_error');
    broken = false;
    await client.next('action');
  } finally {
    clearInterval(timer);
  }
  const logged = (await server.journaled()).filter((record) => record.kind === 'inference');
  expect(logged.some((record) => record.status === 'error')).toBe(true);
});

test('a chunk of garbage never leaves: it is rejected, journaled as such, and the session holds for safety', async () => {
  const models = await modelsWith(() => ({
    run: async (_slot, inputs) => ({
      outputs: inputs.map(() => ({ ok: true as const, actions: new Float32Array(8 * 7).fill(Number.NaN) })),
      decodeMs: 0,
      inferMs: 1,
    }),
  }));
  server = await startTestGateway({ models });
  const client = await server.robot({ control_hz: 20 });
  let seq = 0;
  const timer = setInterval(() => client.send(observation(seq++)), 40);
  try {
    const hold = await client.next('hold', (h) => h.reason === 'safety');
    expect(Array.from(hold.values).every(Number.isFinite)).toBe(true);
  } finally {
    clearInterval(timer);
  }
  expect(client.received.some((message) => message.type === 'action')).toBe(false);
  const logged = (await server.journaled()).filter((record) => record.kind === 'inference');
  expect(logged.some((record) => record.status === 'rejected' && record.safety_score === 0)).toBe(true);
});

test('a fault inside one session ends that session with 4500 and no other', async () => {
  server = await startTestGateway();
  const broken = await server.connect();
  broken.send({ ...OPEN, control_hz: 50 });
  const { session_id } = await broken.next('opened');
  const other = await server.robot({ control_hz: 50 });
  const session = server.gateway.sessions.get(session_id);
  if (session === undefined) throw new Error('no session');
  session.loop.tick = () => {
    throw new Error('broken on purpose');
  };
  broken.send(observation(0));
  expect(await broken.next('error')).toMatchObject({ code: 'internal', fatal: true });
  expect((await broken.closed()).code).toBe(4500);
  expect(server.gateway.sessions.get(session_id)).toBeUndefined();
  other.send(observation(0));
  await other.next('action');
});

test('a latched robot takes no policy worker', async () => {
  let runs = 0;
  const models = await modelsWith((inner) => ({
    run: (slot, inputs, deadline) => {
      runs++;
      return inner.run(slot, inputs, deadline);
    },
  }));
  server = await startTestGateway({ models });
  const client = await server.robot({ control_hz: 50 });
  client.send({ type: 'estop' });
  for (let seq = 0; seq < 20; seq++) client.send(observation(seq));
  await client.next('hold', (hold) => hold.reason === 'estop');
  expect(runs).toBe(0);
});
