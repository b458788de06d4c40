import type { Closed } from '@sinew/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type ConnectOptions,
  connect,
  type Environment,
  hostEnvironment,
  openNodeSocket,
  type Robot,
} from './index.js';
import type { RobotAction } from './robot-action.js';

// The client against the gateway itself, over loopback. The gateway is an app and no dependency of this package, so it is
// taken as built: only its test harness knows how to start it without a database.

interface TestGateway {
  readonly http: string;
  stop(): Promise<void>;
}
interface Harness {
  readonly KEY: string;
  startTestGateway(): Promise<TestGateway>;
}

const HARNESS = new URL('../../../apps/gateway/dist/testing/test-gateway.js', import.meta.url).href;
const PIXELS = new Uint8Array(96 * 96 * 3).fill(127);

let gateway: TestGateway;
let key: string;

beforeAll(async () => {
  const harness: Harness = await import(HARNESS);
  key = harness.KEY;
  gateway = await harness.startTestGateway();
});
afterAll(() => gateway.stop());

function open(more: Partial<ConnectOptions>, environment?: Environment): Promise<Robot> {
  return connect(
    {
      url: gateway.http,
      apiKey: key,
      robotType: 'franka_panda',
      instruction: 'pick up the red cube',
      controlHz: 50,
      environment: { environment_type: 'lab', workspace: { min: [-0.5, -0.5, 0], max: [0.5, 0.5, 0.6] } },
      ...more,
    },
    environment,
  );
}

/** A robot whose socket can be cut; `resumed` tells of every opening whether it took the session up again. */
async function openCuttable(
  more: Partial<ConnectOptions>,
): Promise<{ robot: Robot; cut(): void; readonly resumed: readonly boolean[] }> {
  const sockets: { terminate(): void }[] = [];
  const resumed: boolean[] = [];
  const environment = hostEnvironment((...args) => {
    const socket = openNodeSocket(...args);
    sockets.push(socket);
    return socket;
  });
  const onEvent: ConnectOptions['onEvent'] = (event) => event.type === 'session' && resumed.push(event.resumed);
  const robot = await open({ ...more, onEvent }, environment);
  return { robot, cut: () => sockets.at(-1)?.terminate(), resumed };
}

function look(robot: Robot): void {
  const camera = robot.model.inputs.cameras[0]?.name ?? '';
  robot.observe({ images: { [camera]: { data: PIXELS, width: 96, height: 96 } }, state: [0, 0, 0.2, 0, 0, 0, 1] });
}

/** Takes `count` commands, looking after each (in lockstep after each chunk). */
async function drive(robot: Robot, count: number): Promise<RobotAction[]> {
  const taken: RobotAction[] = [];
  for await (const action of robot.actions()) {
    taken.push(action);
    if (taken.length === count) break;
    if (action.remaining === 0) look(robot);
  }
  return taken;
}

const counter = (closed: Closed | null, name: string): number | undefined => closed?.counters[name];

describe('against the gateway', () => {
  it('is driven in every pacing', async () => {
    for (const pacing of ['paced', 'chunked', 'lockstep'] as const) {
      const robot = await open({ pacing });
      look(robot);
      const taken = await drive(robot, 60);
      for (let i = 1; i < taken.length; i++) expect(taken[i]?.seq).toBeGreaterThan(taken[i - 1]?.seq ?? 0);
      expect(
        taken.some(({ kind }) => kind === 'action'),
        pacing,
      ).toBe(true);
      const closed = await robot.close();
      // in `chunked` both sides keep the ticks, and a busy machine may let one run ahead: that is refused and mended
      if (pacing !== 'chunked') expect(counter(closed, 'rejected'), pacing).toBe(0);
    }
  });

  it('[S7] resumes its session after the socket was cut, with rising ticks', async () => {
    const { robot, cut, resumed } = await openCuttable({});
    const { sessionId } = robot;
    look(robot);
    const before = await drive(robot, 10);
    cut();
    let last = before.at(-1)?.seq ?? 0;
    for await (const action of robot.actions()) {
      if (action.local) continue;
      expect(action.seq).toBeGreaterThan(last);
      last = action.seq;
      look(robot);
      if (resumed.length === 2 && action.kind === 'action') break;
    }
    expect(resumed).toEqual([false, true]);
    expect(robot.sessionId).toBe(sessionId);
    await robot.close();
  });

  it('[S7] in lockstep the actions go on where they stopped, whether a chunk was on its way or being executed', async () => {
    for (const unanswered of [true, false]) {
      const { robot, cut, resumed } = await openCuttable({ pacing: 'lockstep' });
      look(robot);
      const length = robot.model.chunk_size;
      const taken = await drive(robot, unanswered ? length : length + 1);
      if (unanswered) look(robot);
      cut();
      taken.push(...(await drive(robot, 4 * length)));
      expect(taken.map(({ kind, seq }) => [kind, seq])).toEqual(taken.map((_, tick) => ['action', tick]));
      expect(resumed).toEqual([false, true]);
      const closed = await robot.close();
      expect([counter(closed, 'resumes'), counter(closed, 'rejected')]).toEqual([1, 0]);
    }
  });

  it('[S7] chunked: holds until a chunk comes that was inferred from what is seen after the cut', async () => {
    const { robot, cut, resumed } = await openCuttable({ pacing: 'chunked' });
    look(robot);
    const taken: RobotAction[] = [];
    const driveUntil = async (enough: () => boolean): Promise<void> => {
      for await (const action of robot.actions()) {
        taken.push(action);
        if (enough()) return;
        look(robot);
      }
    };
    await driveUntil(() => taken.at(-1)?.kind === 'action');
    cut();
    await driveUntil(() => resumed.length === 2);
    const firstAfter = robot.stats.observations;
    const from = taken.length;
    await driveUntil(() => taken.at(-1)?.kind === 'action');
    expect(taken.at(-1)?.observationSeq).toBeGreaterThanOrEqual(firstAfter);
    expect(taken.slice(from, -1).every(({ kind }) => kind === 'hold')).toBe(true);
    for (let i = 1; i < taken.length; i++) expect(taken[i]?.seq).toBeGreaterThan(taken[i - 1]?.seq ?? 0);
    expect(resumed).toEqual([false, true]);
    expect(counter(await robot.close(), 'resumes')).toBe(1);
  });

  it('an e-stop holds until it is cleared, then motion starts again', async () => {
    const robot = await open({ robotId: 'stopped-arm' });
    look(robot);
    await drive(robot, 10);
    robot.estop();
    const held = await drive(robot, 10);
    expect(held.map(({ kind, reason }) => [kind, reason])).toEqual(new Array(10).fill(['hold', 'estop']));
    expect(robot.clearEstop()).toBe(true);
    for await (const action of robot.actions()) {
      if (action.kind === 'action') break;
      look(robot);
    }
    await robot.close();
  });
});
