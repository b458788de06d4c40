import { nullBundle, type PolicyBackend } from '@sinew/policy';
import { ACTION_SPACES, type ActionSpace } from '@sinew/protocol';
import { float64Array } from '@sinew/protocol/openpi';
import { JournalReplay, type SessionReport } from '@sinew/replay';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { monotonicClock } from '../clock.js';
import { ModelCatalogue } from '../models.js';
import { MotionAudit } from '../testing/motion-audit.js';
import { OpenpiTestClient, openpiObservation, rows } from '../testing/openpi-client.js';
import { Gate, moving, scriptedModels } from '../testing/scripted-models.js';
import { startTestGateway, type TestGateway } from '../testing/test-gateway.js';

const HZ = 20;
const LENGTH = 8;

/** Mulberry32. */
function random(seed: number): () => number {
  let a = seed;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Chunks that push one way, turn, leave the box, hold garbage or fail. */
function restless(seed: number, space: ActionSpace): PolicyBackend['run'] {
  const next = random(seed);
  return async (_slot, inputs) => ({
    outputs: inputs.map(({ state }) => {
      const whim = next();
      if (whim < 0.05) return { ok: false, code: 'model_error', reason: 'a whim' } as const;
      const size = whim < 0.5 ? 0.02 : 0.2;
      const push = [next() - 0.5, next() - 0.5, next() - 0.5];
      const actions = Float32Array.from({ length: LENGTH * 7 }, (_, i) => {
        if (space === 'ee_delta' && i % 7 === 6) return next();
        const step = (push[i % 3] ?? 0) * size * (space === 'joint_velocity' ? HZ : 1);
        return (space === 'joint_position' ? (state[i % 7] ?? 0) : 0) + step;
      });
      if (whim > 0.97) actions[11] = Number.NaN;
      return { ok: true, actions } as const;
    }),
    decodeMs: 0,
    inferMs: 0,
  });
}

let server: TestGateway;
beforeAll(async () => {
  const models = [];
  for (const [i, space] of ACTION_SPACES.entries()) {
    const action = { ...nullBundle().describe().action, ...(space === 'ee_delta' ? {} : { pose: null }) };
    models.push(
      ...(await scriptedModels({
        run: restless(5 + i, space),
        description: { id: space, action_space: space, action },
      })),
    );
  }
  server = await startTestGateway({ models: new ModelCatalogue(models) });
});
afterAll(() => server.stop());

async function connect(query: string): Promise<OpenpiTestClient> {
  const url = `${server.http.replace('http', 'ws')}/v1/openpi?robot_type=franka_panda&control_hz=${HZ}&${query}`;
  const client = await OpenpiTestClient.connect(url);
  await client.metadata();
  return client;
}

/** Slow enough to take several ticks to full speed, and as many to stop. */
const BOX = 'workspace=-0.25,-0.25,0.05,0.25,0.25,0.5&limits.a=1.5&limits.j=30';

/** Plays as many actions of each chunk as `played` says, and asks from where that led; every tick is audited. */
async function drive(query: string, played: (next: () => number) => number, standsBetween: boolean, chunks: number) {
  const client = await connect(`policy=ee_delta&${BOX}&${query}`);
  const session = [...server.gateway.sessions].at(-1);
  if (session === undefined) throw new Error('no session');
  const pose = [0.05, 0, 0.2, 0, 0, 0, 1];
  // The reply is float32.
  const audit = new MotionAudit(session.profile.limits, pose, 1e-4);
  const next = random(99);
  let tick = 0;
  let moved = 0;
  for (let i = 0; i < chunks; i++) {
    const reply = await client.infer(openpiObservation({ state: float64Array([7], pose) }));
    const actions = rows(reply.actions);
    expect(actions).toHaveLength(LENGTH);
    if (standsBetween) audit.stood();
    for (const action of actions.slice(0, played(next))) {
      audit.tick(tick++, action);
      for (let d = 0; d < 6; d++) pose[d] = (pose[d] ?? 0) + (action[d] ?? 0);
      pose[6] = action[6] ?? 0;
      if (action.slice(0, 6).some((value) => value !== 0)) moved++;
    }
  }
  expect(moved).toBeGreaterThan(chunks / 2);
  client.close();
  return { session: session.id, audit };
}

test('[O6] whatever number of a chunk’s actions is played before the robot stands, limits and box are kept', async () => {
  const { audit } = await drive('', (next) => 1 + Math.floor(next() * LENGTH), true, 80);
  expect(audit.used['translation acceleration']).toBeGreaterThan(0.5);
});

test.each([1, 3, 4, 8])(
  '[O6] with execute=%i one chunk goes on where the one before led to, within the limits',
  async (execute) => {
    await drive(`execute=${execute}`, () => execute, false, 80);
  },
);

test.each(['', 'execute=3', 'execute=8'])('[O6] a chunk that is played to its end ends at rest (%s)', async (query) => {
  const client = await connect(`policy=ee_delta&${BOX}&${query}`);
  const pose = [0.05, 0, 0.2, 0, 0, 0, 1];
  let fastest = 0;
  for (let i = 0; i < 40; i++) {
    const reply = await client.infer(openpiObservation({ state: float64Array([7], pose) }));
    const actions = rows(reply.actions);
    const [session] = [...server.gateway.sessions];
    const { a, j } = session?.profile.limits.cartesian ?? expect.unreachable();
    const last = actions.at(-1)?.slice(0, 3) ?? [];
    // The last step of a stop is at most what one tick more would have taken off.
    const step = Math.min(a.value / HZ ** 2, j.value / HZ ** 3);
    expect(Math.hypot(...last)).toBeLessThanOrEqual(step * 1.001);
    for (const action of actions.slice(0, query === '' ? LENGTH : Number(query.slice(8)))) {
      fastest = Math.max(fastest, Math.hypot(...action.slice(0, 3)) / step);
      for (let d = 0; d < 6; d++) pose[d] = (pose[d] ?? 0) + (action[d] ?? 0);
    }
  }
  expect(fastest).toBeGreaterThan(1.5);
  client.close();
});

test('[O6] with execute a pause is a standstill: what follows begins at rest', async () => {
  const client = await connect(`policy=ee_delta&${BOX}&execute=1`);
  const pose = [0.05, 0, 0.2, 0, 0, 0, 1];
  const first = async (): Promise<number> => {
    const reply = await client.infer(openpiObservation({ state: float64Array([7], pose) }));
    return Math.hypot(...(rows(reply.actions)[0]?.slice(0, 3) ?? []));
  };
  const session = [...server.gateway.sessions].at(-1);
  const { a, j } = session?.profile.limits.cartesian ?? expect.unreachable();
  const fromRest = Math.min(a.value / HZ ** 2, j.value / HZ ** 3) * 1.001;
  const running = [];
  for (let i = 0; i < 30; i++) running.push(await first());
  expect(Math.max(...running)).toBeGreaterThan(fromRest);
  await new Promise((resolve) => setTimeout(resolve, 1_000 / HZ + 500 + 100));
  expect(await first()).toBeLessThanOrEqual(fromRest);
  client.close();
});

describe('an answer that comes late', () => {
  const late = { ms: 0 };
  let gate: Gate;
  let client: OpenpiTestClient;
  let slow: TestGateway;
  beforeEach(async () => {
    late.ms = 0;
    gate = new Gate(true, moving(0.02));
    slow = await startTestGateway({
      models: await scriptedModels({ run: gate.run }),
      clock: { now: () => monotonicClock.now() + late.ms },
    });
    const url = `${slow.http.replace('http', 'ws')}/v1/openpi?robot_type=franka_panda&control_hz=${HZ}&${BOX}&execute=1`;
    client = await OpenpiTestClient.connect(url);
    await client.metadata();
  });
  afterEach(() => slow.stop());
  const observed = openpiObservation({ state: float64Array([7], [0.05, 0, 0.2, 0, 0, 0, 1]) });
  const speed = (action: number[] | undefined) => Math.hypot(...(action ?? expect.unreachable()).slice(0, 3));
  /** What is answered while so much time passes, ms. */
  const answered = async (ms: number) => {
    gate.close();
    const ran = gate.ran.length;
    const reply = client.infer(observed);
    await expect.poll(() => gate.ran.length).toBe(ran + 1);
    late.ms += ms;
    gate.open();
    return await reply;
  };
  /** In motion, where one chunk goes on from the one before. Answers with the most that a first step from rest may be. */
  const running = async () => {
    const session = [...slow.gateway.sessions].at(-1);
    const { a, j } = session?.profile.limits.cartesian ?? expect.unreachable();
    const fromRest = Math.min(a.value / HZ ** 2, j.value / HZ ** 3) * 1.001;
    let first = 0;
    for (let i = 0; i < 30; i++) first = Math.max(first, speed(rows((await client.infer(observed)).actions)[0]));
    expect(first).toBeGreaterThan(fromRest);
    return fromRest;
  };

  test('[O6] finds a robot that stands, whatever it was in the middle of: it begins at rest', async () => {
    const fromRest = await running();
    const reply = await answered(600);
    expect(reply.hold).toBeUndefined();
    expect(speed(rows(reply.actions)[0])).toBeLessThanOrEqual(fromRest);
    expect(Math.max(...rows(reply.actions).map(speed))).toBeGreaterThan(0);
    client.close();
    const [session] = [...slow.gateway.sessions];
    await expect.poll(() => slow.gateway.sessions.size).toBe(0);
    const replay = new JournalReplay({ session: session?.id ?? '', other: {}, onTick: () => {} });
    for (const record of await slow.journaled()) replay.add(record);
    expect(replay.reports).toMatchObject([{ incomplete: null, first: null, differing: 0 }]);
  });

  test('[O7] by more than ten seconds is of a scene that is past: a hold that stands still, and the next one moves', async () => {
    await running();
    const reply = await answered(10_100);
    expect(reply.hold).toBe('stale');
    expect(rows(reply.actions).map(speed)).toEqual(Array(LENGTH).fill(0));
    const next = await client.infer(observed);
    expect(next.hold).toBeUndefined();
    expect(Math.max(...rows(next.actions).map(speed))).toBeGreaterThan(0);
    client.close();
  });
});

test('[O6] with execute a robot that is seen elsewhere was carried there: what follows begins at rest', async () => {
  const client = await connect(`policy=ee_delta&${BOX}&execute=4`);
  const session = [...server.gateway.sessions].at(-1);
  const { a, j } = session?.profile.limits.cartesian ?? expect.unreachable();
  const fromRest = Math.min(a.value / HZ ** 2, j.value / HZ ** 3) * 1.001;
  for (let i = 0; i < 20; i++) {
    // Each time on the other side of the table.
    const state = float64Array([7], [i % 2 === 0 ? 0.15 : -0.15, 0, 0.2, 0, 0, 0, 1]);
    const reply = await client.infer(openpiObservation({ state }));
    const steps = rows(reply.actions).map((row) => Math.hypot(...row.slice(0, 3)));
    expect(steps[0]).toBeLessThanOrEqual(fromRest);
  }
  client.close();
});

test('[O6] [SAFE-T7] what was sent replays bit for bit, in every space, with e-stops, resets and refused chunks', async () => {
  const ids: string[] = [];
  for (const space of ACTION_SPACES)
    for (const query of ['', '&execute=3']) {
      const joints = [0, -0.6, 0, -2.2, 0, 1.6, 0.8];
      const state = float64Array([7], space === 'ee_delta' ? [0.05, 0, 0.2, 0, 0, 0, 1] : joints);
      const client = await connect(`policy=${space}${query}`);
      const session = [...server.gateway.sessions].at(-1);
      if (session === undefined) throw new Error('no session');
      ids.push(session.id);
      for (let i = 0; i < 40; i++) {
        if (i === 15) session.handle({ type: 'estop' }, performance.now());
        if (i === 17) session.handle({ type: 'estop_clear' }, performance.now());
        if (i === 25) {
          client.send({ endpoint: 'reset' });
          expect(await client.text()).toBe('reset successful');
        }
        await client.infer(openpiObservation({ state }));
      }
      client.close();
    }
  await expect.poll(() => server.gateway.sessions.size).toBe(0);
  const records = await server.journaled();
  for (const id of ids) {
    const replay = new JournalReplay({ session: id, other: {}, onTick: () => {} });
    for (const record of records) replay.add(record);
    const [report] = replay.reports as SessionReport[];
    expect(report).toMatchObject({ incomplete: null, first: null, differing: 0 });
    expect(report?.ticks).toBeGreaterThan(40 * LENGTH - 1);
  }
});
