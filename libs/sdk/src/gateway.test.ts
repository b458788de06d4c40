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
    const sockets: { terminate(): void }[] = [];
    const environment = hostEnvironment((...args) => {
      const socket = openNodeSocket(...args);
      sockets.push(socket);
      return socket;
    });
    const resumed: boolean[] = [];
    const robot = await open(
      { onEvent: (event) => event.type === 'session' && resumed.push(event.resumed) },
      environment,
    );
    const { sessionId } = robot;
    look(robot);
    const before = await drive(robot, 10);
    sockets[0]?.terminate();
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
