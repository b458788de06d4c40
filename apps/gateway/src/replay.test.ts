import { once } from 'node:events';
import type { JournalRecord, SessionRecord } from '@sinew/journal';
import { nullBundle, type PolicyBackend } from '@sinew/policy';
import { ACTION_SPACES, type ActionSpace, type FreshOpen, type ServerMessage } from '@sinew/protocol';
import { JournalReplay, type ReplayedTick, type SessionReport } from '@sinew/replay';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ModelCatalogue } from './models.js';
import { infer } from './testing/rest.js';
import { scriptedModels } from './testing/scripted-models.js';
import { observation, startTestGateway, type TestGateway } from './testing/test-gateway.js';

/** Mulberry32: the chunks and the robots' whims are the same in each run; when they meet is the clock's. */
function random(seed: number): () => number {
  let a = seed;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Chunks that wander, jump, leave the box, hold garbage or fail; after 0 to 30 ms. */
function wandering(seed: number, space: ActionSpace): PolicyBackend['run'] {
  const next = random(seed);
  return async (_slot, inputs) => {
    await new Promise((resolve) => setTimeout(resolve, next() * 30));
    const outputs = inputs.map(({ state }) => {
      const whim = next();
      if (whim < 0.05) return { ok: false, code: 'model_error', reason: 'a whim' } as const;
      const size = whim < 0.2 ? 0.05 : 0.004;
      const unit = space === 'joint_velocity' ? HZ : 1;
      const actions = Float32Array.from({ length: 8 * 7 }, (_, i) => {
        if (space === 'ee_delta' && i % 7 === 6) return next() * 1.4 - 0.2;
        const here = space === 'joint_position' ? (state[i % 7] ?? 0) : 0;
        return here + (next() - 0.4) * size * unit;
      });
      if (whim > 0.95) actions[11] = Number.NaN;
      return { ok: true, actions } as const;
    });
    return { outputs, decodeMs: 0, inferMs: 0 };
  };
}

let server: TestGateway;
beforeAll(async () => {
  const { inputs } = nullBundle().manifest;
  const manifest = { inputs: { ...inputs, prefix: { actions: 'prefix_actions', weights: 'prefix_weights' } } };
  const models = [];
  for (const [i, space] of ACTION_SPACES.entries()) {
    const action = { ...nullBundle().describe().action, ...(space === 'ee_delta' ? {} : { pose: null }) };
    const description = { id: space, action_space: space, action };
    const script = { run: wandering(7 + i, space), maxBatch: 4, manifest, description };
    models.push(...(await scriptedModels(script)));
  }
  server = await startTestGateway({ models: new ModelCatalogue(models) });
});
afterAll(() => server.stop());

interface Ride {
  readonly sessionId: string;
  readonly received: readonly ServerMessage[];
}

const HZ = 50;

/** A robot that moves as it is told, roughly, is stopped, released, reset, falls silent, loses its link, and comes back. */
async function ride(open: Partial<FreshOpen>, seed: number, frames: number): Promise<Ride> {
  const next = random(seed);
  let client = await server.connect();
  client.send({
    type: 'open',
    robot_type: 'franka_panda',
    instruction: 'pick up the red cube',
    control_hz: HZ,
    stale_after_ms: 100,
    ...open,
  });
  const opened = await client.next('opened');
  const received: ServerMessage[] = [];
  const space = opened.model.action_space;
  const pose =
    space === 'ee_delta' ? [0.1 * next(), 0.1 * next(), 0.2, 3.1, -0.1, 0, 1] : [0, -0.6, 0, -2.2, 0, 1.6, 0.8];
  let seq = 0;
  let applied: number | null = null;
  let taken = 0;
  const see = (): void => {
    const told = applied === null || next() < 0.2 ? {} : { applied_seq: applied };
    client.send(observation(seq++, { state: Float64Array.from(pose, (v) => v + (next() - 0.5) * 0.002), ...told }));
  };
  const move = (values: ArrayLike<number>): void => {
    for (let d = 0; d < (space === 'ee_delta' ? 6 : 7); d++) {
      const value = values[d] ?? 0;
      if (space === 'joint_position') pose[d] = value;
      else pose[d] = (pose[d] ?? 0) + (space === 'joint_velocity' ? value / HZ : value);
    }
  };
  const follow = (): void => {
    for (; taken < client.received.length; taken++) {
      const message = client.received[taken] as ServerMessage;
      if (message.type === 'action' || message.type === 'hold') {
        move(message.values);
        applied = message.seq;
      } else if (message.type === 'chunk') {
        const played = open.pacing === 'lockstep' ? 1 + Math.floor(next() * message.shape[0]) : 1;
        const values = message.values as Float32Array;
        for (let k = 0; k < played; k++) move(values.subarray(k * 7, (k + 1) * 7));
        if (open.pacing === 'lockstep') applied = message.first_tick + played - 1;
        else applied = null;
      }
    }
  };
  see();
  for (let step = 0; step < frames; step++) {
    // In lockstep something comes for each observation; else a chunk is for many ticks, and a robot has a period of its own.
    if (open.pacing === 'chunked') await new Promise((resolve) => setTimeout(resolve, 1_000 / HZ));
    else await once(client.socket, 'message');
    follow();
    const share = step / frames;
    if (step === Math.floor(frames * 0.2)) client.send({ type: 'estop' });
    if (step === Math.floor(frames * 0.3)) client.send({ type: 'estop_clear' });
    if (step === Math.floor(frames * 0.45)) {
      client.send({ type: 'reset', outcome: { success: true } });
      applied = null;
    }
    if (step === Math.floor(frames * 0.6)) {
      received.push(...client.received);
      client.terminate();
      await client.closed();
      client = await server.connect();
      client.send({ type: 'open', resume: { session_id: opened.session_id, token: opened.resume_token } });
      await client.next('opened');
      taken = 0;
      see();
    }
    if (step === Math.floor(frames * 0.75)) {
      // The gateway shares this thread: it misses ticks.
      const until = performance.now() + 90;
      while (performance.now() < until);
    }
    const silent = share > 0.8 && share < 0.9 && open.pacing !== 'lockstep';
    if (!silent && (open.pacing === 'lockstep' || next() < 0.7)) see();
  }
  client.send({ type: 'close' });
  await client.next('closed');
  received.push(...client.received);
  return { sessionId: opened.session_id, received };
}

function replayed(
  records: readonly JournalRecord[],
  session: string,
): { report: SessionReport; ticks: ReplayedTick[] } {
  const ticks: ReplayedTick[] = [];
  const replay = new JournalReplay({ session, other: {}, onTick: (_, tick) => ticks.push(tick) });
  for (const record of records) replay.add(record);
  expect(replay.reports).toHaveLength(1);
  return { report: replay.reports[0] as SessionReport, ticks };
}

const SETTINGS: Partial<FreshOpen>[] = [
  { blend: 'latest', smoothing: 'none', execute: 4 },
  { blend: 'weighted', smoothing: 'ema', execute: 2, limits: { v: 0.1 } },
  { blend: 'temporal_ensemble', smoothing: 'one_euro', execute: 1 },
  { blend: 'rtc', smoothing: 'butterworth2', execute: 4 },
  { blend: 'latest', smoothing: 'jerk_limited', execute: 8 },
];

const WORKSPACE: Partial<FreshOpen> = {
  environment: { environment_type: 'lab', workspace: { min: [-0.2, -0.2, 0.1], max: [0.2, 0.2, 0.4] } },
};

for (const pacing of ['paced', 'chunked', 'lockstep'] as const) {
  test(`[SAFE-T7] a ${pacing} session replays bit for bit: garbage, e-stop, reset, resume, silence, missed ticks`, async () => {
    const rides = await Promise.all(
      SETTINGS.map((settings, i) =>
        ride({ pacing, ...WORKSPACE, ...settings }, 11 + i, pacing === 'lockstep' ? 60 : 120),
      ),
    );
    const records = await server.journaled();
    for (const { sessionId, received } of rides) {
      const { report, ticks } = replayed(records, sessionId);
      expect(report).toMatchObject({ incomplete: null, first: null, differing: 0 });
      expect(report.ticks).toBeGreaterThan(40);
      expect(ticks.some(({ hold }) => hold === 'estop')).toBe(true);
      const moved = ticks.filter(({ hold }) => hold === null);
      expect(moved.length).toBeGreaterThan(10);
      // Each stage is told: without smoothing nothing happens between blending and the governor, with it something does.
      const smoothed = moved.filter(({ blended, smoothed }) => blended?.some((v, d) => !Object.is(v, smoothed[d])));
      const { smoothing } = records.find((r) => r.kind === 'session' && r.session_id === sessionId) as SessionRecord;
      expect(smoothed.length > 0).toBe(smoothing !== 'none');
      expect(moved.every(({ proposed }) => proposed?.length === 7)).toBe(true);
      compareWithWire(ticks, received);
    }
  }, 60_000);
}

test('[SAFE-T7] joint positions, deltas and velocities replay bit for bit, in every pacing', async () => {
  const rides = await Promise.all(
    (['joint_position', 'joint_delta', 'joint_velocity'] as const).flatMap((model, i) =>
      (['paced', 'chunked', 'lockstep'] as const).map((pacing, k) => {
        const settings = SETTINGS.filter(({ blend }) => blend !== 'rtc')[(i + k) % 4];
        return ride({ model, pacing, ...settings, limits: {} }, 31 + 3 * i + k, pacing === 'lockstep' ? 40 : 80);
      }),
    ),
  );
  const records = await server.journaled();
  for (const { sessionId, received } of rides) {
    const { report, ticks } = replayed(records, sessionId);
    expect(report).toMatchObject({ incomplete: null, first: null, differing: 0 });
    expect(ticks.some(({ hold }) => hold === null)).toBe(true);
    expect(ticks.some(({ hold }) => hold === 'estop')).toBe(true);
    compareWithWire(ticks, received);
  }
}, 60_000);

/** Not only the record: what the robot received is what a replay computes. Chunks are float32 on the wire. */
function compareWithWire(ticks: readonly ReplayedTick[], received: readonly ServerMessage[]): void {
  // A tick number comes again in a new episode of lockstep, and where a plan takes over from another: in their order.
  let at = 0;
  let compared = 0;
  const find = (n: number, values: Float64Array | readonly number[], round: (v: number) => number): void => {
    for (let i = at; i < ticks.length; i++) {
      const tick = ticks[i] as ReplayedTick;
      if (tick.n !== n || !tick.sent.every((value, d) => Object.is(round(value), values[d]))) continue;
      at = i + 1;
      compared++;
      return;
    }
    throw new Error(`tick ${n} left as ${values.join(' ')}, which the replay does not compute`);
  };
  for (const message of received) {
    if (message.type === 'action' || message.type === 'hold') find(message.seq, message.values, (v) => v);
    if (message.type !== 'chunk') continue;
    const values = Float64Array.from(message.values as Float32Array);
    for (let k = 0; k < message.shape[0]; k++) {
      find(message.first_tick + k, values.subarray(k * 7, (k + 1) * 7), Math.fround);
    }
  }
  expect(compared).toBeGreaterThan(30);
}

test('[SAFE-T7] a request over REST replays bit for bit', async () => {
  const requests = await Promise.all(Array.from({ length: 4 }, () => infer(server)));
  const answered = await Promise.all(
    requests
      .filter(({ status }) => status === 200)
      .map((response) => response.json() as Promise<{ request_id: string; chunk: number[][] }>),
  );
  const records = await server.journaled();
  for (const { request_id, chunk } of answered) {
    const { report, ticks } = replayed(records, request_id);
    expect(report).toMatchObject({ pacing: 'rest', incomplete: null, differing: 0, ticks: 8 });
    expect(ticks.map(({ sent }) => [...sent])).toEqual(chunk);
  }
});
