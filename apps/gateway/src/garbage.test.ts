import { once } from 'node:events';
import { type LimitsInForce, resolveLimits } from '@sinew/control';
import type { FreshOpen, Opened, ServerMessage } from '@sinew/protocol';
import { findRobot } from '@sinew/robots';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { MotionAudit } from './testing/motion-audit.js';
import { infer, inferenceRequest } from './testing/rest.js';
import { scriptModel } from './testing/script-model.js';
import { startTestGateway, type TestGateway } from './testing/test-gateway.js';

const row = (...start: (number | string)[]): (number | string)[] => [
  ...start,
  ...[0, 0, 0, 0, 0, 0, 1].slice(start.length),
];
const chunk = (...rows: (number | string)[][]): (number | string)[][] =>
  Array.from({ length: 4 }, (_, k) => rows[k % rows.length] as never);
const good = [chunk(row(0.003, 0.001)), chunk(row(-0.002, -0.001, 0.001)), chunk(row(0.001, 0, 0, 0.02, 0, -0.02))];

/** What no sane policy gives, between what one would: so that there is motion for the garbage to spoil. */
const GARBAGE: readonly unknown[] = [
  ...good,
  chunk(row(0.003), row('NaN'), row(0.003), row(0.003)),
  ...good,
  chunk(row('Infinity', '-Infinity')),
  chunk(row(1e39)),
  ...good,
  chunk(row(1e5, -1e5, 1e5, 300, -300, 300)),
  ...good,
  // Degrees for radians, millimetres for metres.
  chunk(row(0, 0, 0, 25, -40, 90)),
  chunk(row(12, -7, 3)),
  ...good,
  // Back and forth as fast as it can, far outside the box, and a gripper beyond its ends.
  chunk(row(0.005, 0, 0, 0.05), row(-0.005, 0, 0, -0.05)),
  chunk(row(0.02, 0.02, -0.02)),
  chunk(row(0, 0, -0.005)),
  chunk(row(0, 0, -0.005)),
  chunk(row(0, 0, 0, 0, 0, 0, 7), row(0, 0, 0, 0, 0, 0, -7)),
  chunk(row(0, 0, 0, 0, 0, 0, 'NaN')),
  ...good,
  // Wrong lengths: too few rows, none, too many, and rows of another arm.
  [row(0.003)],
  [],
  Array.from({ length: 9 }, () => row(0.003)),
  [[0.003, 0.003], [0.1]],
  ...good,
  { error: 'out of memory' },
  { error: 'out of memory' },
  ...good,
];

let server: TestGateway;
beforeAll(async () => {
  server = await startTestGateway({ models: await scriptModel(GARBAGE) });
});
afterAll(() => server.stop());

const OPEN: FreshOpen = {
  type: 'open',
  robot_type: 'franka_panda',
  instruction: 'pick up the red cube',
  environment: { environment_type: 'lab', workspace: { min: [-0.1, -0.1, 0.15], max: [0.1, 0.1, 0.3] } },
};
const START = [0, 0, 0.2, 3.1, 0, 0, 1];

/** For the box alone: where a chunk takes over, its first differences are not its own. */
const UNLIMITED = (limits: LimitsInForce): LimitsInForce => {
  const none = { value: Number.POSITIVE_INFINITY, origin: 'default' } as const;
  return { ...limits, cartesian: { v: none, a: none, j: none, w: none, dw: none, ddw: none } };
};

/** A robot that does exactly what it is told, and tells exactly where it is. */
async function obey(
  open: Partial<FreshOpen>,
  entries: number,
): Promise<{ audit: MotionAudit; received: readonly ServerMessage[] }> {
  const client = await server.connect();
  client.send({ ...OPEN, ...open });
  const opened: Opened = await client.next('opened');
  const limits = opened.robot as LimitsInForce;
  const pose = START.slice();
  const audit = new MotionAudit(limits, pose, open.pacing === 'lockstep' ? 1e-5 : undefined);
  let read = 0;
  let seq = 0;
  let applied: number | undefined;
  const see = (): void => {
    const told = applied === undefined ? {} : { applied_seq: applied };
    client.send({
      type: 'observation',
      seq: seq++,
      captured_at_ms: performance.now(),
      images: {},
      state: Float64Array.from(pose),
      ...told,
    });
  };
  const move = (n: number, values: ArrayLike<number>): void => {
    audit.tick(n, values);
    for (let d = 0; d < 6; d++) pose[d] = (pose[d] ?? 0) + (values[d] ?? 0);
    pose[6] = values[6] ?? 0;
    applied = n;
  };
  see();
  while (answered(client.received) < entries) {
    await once(client.socket, 'message');
    for (; read < client.received.length; read++) {
      const message = client.received[read] as ServerMessage;
      // In lockstep a hold moves nothing: ticks count executed actions.
      if (message.type === 'action' || (message.type === 'hold' && open.pacing !== 'lockstep'))
        move(message.seq, message.values);
      if (message.type === 'chunk') {
        const values = message.values as Float32Array;
        for (let k = 0; k < message.shape[0]; k++) move(message.first_tick + k, values.subarray(k * 7, (k + 1) * 7));
      }
      if (
        ['action', 'hold', 'chunk'].includes(message.type) ||
        (open.pacing === 'lockstep' && message.type === 'error')
      )
        see();
    }
  }
  client.send({ type: 'close' });
  await client.next('closed');
  return { audit, received: client.received };
}

/** In lockstep, inferences; else ticks. */
const answered = (received: readonly ServerMessage[]): number =>
  received.filter(({ type }) => type === 'action' || type === 'hold' || type === 'chunk').length;

/** A request opens with the record's own box, in the reduced mode. */
function restLimits(): LimitsInForce {
  const robot = findRobot('franka_panda');
  const limits = robot && resolveLimits({ robot, actionSpace: 'ee_delta', mode: 'reduced', hz: 50 });
  if (!limits?.ok) throw new Error('no limits');
  return limits.limits;
}

const reasons = (received: readonly ServerMessage[]): Set<string> =>
  new Set(received.flatMap((message) => (message.type === 'hold' ? [message.reason] : [])));

test('[SAFE-N3] [SAFE-B7] whatever a policy answers, a paced robot is sent nothing illegal, and holds where it should', async () => {
  const settings: Partial<FreshOpen>[] = [
    {},
    { smoothing: 'one_euro', blend: 'temporal_ensemble', execute: 1 },
    { limits: { v: 0.1, a: 1, w: 0.5 }, blend: 'weighted', execute: 2 },
  ];
  const rides = await Promise.all(settings.map((open) => obey(open, 250)));
  for (const { audit, received } of rides) {
    expect(audit.ticks).toBeGreaterThanOrEqual(250);
    // It moved, and was held back: otherwise nothing was tested.
    expect(audit.used['translation speed']).toBeGreaterThan(0.3);
    expect(received.some((m) => m.type === 'action' && m.safety.clamped)).toBe(true);
    expect(reasons(received)).toContain('safety');
    expect(received.some((m) => m.type === 'error' && m.code === 'model_error')).toBe(true);
    expect(received.some((m) => m.type === 'action' && m.safety.flags.includes('emergency'))).toBe(false);
  }
});

test('[SAFE-N3] the same in lockstep, where a chunk that is refused is answered with a hold', async () => {
  const { audit, received } = await obey({ pacing: 'lockstep' }, 90);
  expect(audit.used['translation speed']).toBeGreaterThan(0.3);
  expect(reasons(received)).toContain('safety');
  expect(received.some((m) => m.type === 'error' && m.code === 'model_error')).toBe(true);
});

test('[SAFE-N3] [SAFE-B7] the same in chunks, played one into the other with their braking tails', async () => {
  const client = await server.connect();
  client.send({ ...OPEN, pacing: 'chunked' });
  const limits = (await client.next('opened')).robot as LimitsInForce;
  /** What is to be played, by tick; a newer chunk takes over from its first tick on. */
  const timeline = new Map<number, ArrayLike<number>>();
  const takeOver = (first: number, values: Float32Array | Float64Array): void => {
    for (const tick of timeline.keys()) if (tick >= first) timeline.delete(tick);
    for (let k = 0; k < values.length / 7; k++) timeline.set(first + k, values.subarray(k * 7, (k + 1) * 7));
  };
  const begun = performance.now();
  let read = 0;
  let chunks = 0;
  for (let seq = 0; chunks < 60; seq++) {
    const now = Math.floor((performance.now() - begun) / 20);
    const pose = START.slice();
    for (const [tick, values] of timeline) {
      if (tick < now) for (let d = 0; d < 6; d++) pose[d] = (pose[d] ?? 0) + (values[d] ?? 0);
    }
    const state = Float64Array.from(pose);
    client.send({ type: 'observation', seq, captured_at_ms: performance.now(), images: {}, state });
    await new Promise((resolve) => setTimeout(resolve, 20));
    for (; read < client.received.length; read++) {
      const message = client.received[read] as ServerMessage;
      if (message.type === 'hold') takeOver(message.seq, Float64Array.from(message.values));
      if (message.type !== 'chunk') continue;
      chunks++;
      takeOver(
        message.first_tick,
        Float32Array.from([...(message.values as Float32Array), ...(message.stop as Float32Array)]),
      );
      const inBox = new MotionAudit(UNLIMITED(limits), [...(message.start_pose ?? [])], 1e-5);
      for (let k = 0; k < message.shape[0]; k++)
        inBox.tick(k, (message.values as Float32Array).subarray(k * 7, (k + 1) * 7));
    }
  }
  const audit = new MotionAudit(limits, null, 1e-5);
  for (const tick of [...timeline.keys()].sort((a, b) => a - b)) audit.tick(tick, timeline.get(tick) ?? []);
  expect(audit.used['translation speed']).toBeGreaterThan(0.3);
  expect(reasons(client.received)).toContain('safety');
  client.terminate();
});

test('[SAFE-N3] over REST garbage is refused or governed, never passed on', async () => {
  const inputs = {
    cameras: [{ name: 'main', width: 96, height: 96 }],
    state: { dim: 7, names: ['x', 'y', 'z', 'roll', 'pitch', 'yaw', 'gripper'] },
  };
  const rest = await startTestGateway({ models: await scriptModel(GARBAGE, { inputs }) });
  const statuses = new Set<number>();
  try {
    for (let i = 0; i < GARBAGE.length; i++) {
      const response = await infer(rest, { ...inferenceRequest(), state: [0.3, 0, 0.3, 0, 0, 0, 1] });
      statuses.add(response.status);
      const body = (await response.json()) as { chunk?: number[][]; reason?: string };
      if (body.chunk === undefined) continue;
      const audit = new MotionAudit(restLimits(), [0.3, 0, 0.3]);
      for (const [n, values] of body.chunk.entries()) audit.tick(n, values);
    }
  } finally {
    await rest.stop();
  }
  expect([...statuses].sort()).toEqual([200, 422, 502]);
});
