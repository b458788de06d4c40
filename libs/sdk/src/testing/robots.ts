import type { ConnectOptions, RobotEvent } from '../options.js';
import { Robot, type RobotObservation } from '../robot.js';
import type { RobotAction } from '../robot-action.js';
import { type FakeServer, settle } from './fake-server.js';

const PIXELS = new Uint8Array(96 * 96 * 3);

export const SEEN: RobotObservation = {
  images: { main: { data: PIXELS, width: 96, height: 96 } },
  state: [0.3, 0, 0.2, 0, 0, 0, 1],
};

export interface TestRobot {
  readonly robot: Robot;
  readonly events: RobotEvent[];
  /** Everything the consumer was given so far; it takes each at once. */
  readonly taken: RobotAction[];
  /** How the consumer's loop ended; null while it runs. */
  readonly end: { error: unknown } | null;
}

/** A robot on the fake server, with a consumer that takes every action as soon as it is there (unless `idle`). */
export async function testRobot(
  server: FakeServer,
  options: Partial<ConnectOptions> = {},
  { idle = false } = {},
): Promise<TestRobot> {
  const events: RobotEvent[] = [];
  const taken: RobotAction[] = [];
  const robot = await Robot.connect(
    {
      url: 'ws://robot.test:1',
      apiKey: 'vla_live_test',
      robotType: 'franka_panda',
      instruction: 'pick up the red cube',
      onEvent: (event) => events.push(event),
      ...options,
    },
    server.environment,
  );
  const test: { robot: Robot; events: RobotEvent[]; taken: RobotAction[]; end: { error: unknown } | null } = {
    robot,
    events,
    taken,
    end: null,
  };
  if (!idle) {
    (async () => {
      for await (const action of robot.actions()) taken.push(action);
    })().then(
      () => {
        test.end = { error: null };
      },
      (error: unknown) => {
        test.end = { error };
      },
    );
  }
  await settle();
  return test;
}
