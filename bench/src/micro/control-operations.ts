import { ControlLoop, type ControlSpec, resolveLimits } from '@sinew/control';
import { findRobot } from '@sinew/robots';
import type { Operation } from './time-operation.js';

const HZ = 20;
const EXECUTE = 4;
const CHUNK_SIZE = 8;

/** A Panda over a table that is told to move slowly to and fro, as `tabletop-v1` drives it. */
export function controlOperations(): Record<string, Operation> {
  return {
    'control: a tick at rest, holding': ticks(false),
    'control: a tick, a new chunk every 4': ticks(true),
  };
}

function ticks(adopting: boolean): Operation {
  const loop = new ControlLoop(spec());
  const state = Float64Array.of(0, 0, 0.2, 0, 0, 0, 1);
  const there = chunk(0.002);
  const back = chunk(-0.002);
  let n = 0;
  let logId = 1;
  return (count) => {
    for (const end = n + count; n < end; n++) {
      if (adopting && n % EXECUTE === 0) {
        loop.observe(state, n);
        loop.adopt({
          actions: n % (2 * EXECUTE) === 0 ? there : back,
          state,
          baseTick: n,
          nextTick: n,
          ref: logId++,
        });
      }
      loop.tick(n, null);
    }
  };
}

function chunk(step: number): Float32Array {
  const actions = new Float32Array(CHUNK_SIZE * 7);
  for (let row = 0; row < CHUNK_SIZE; row++) actions.set([step, step / 2, 0, 0, 0, step, 1], row * 7);
  return actions;
}

function spec(): ControlSpec {
  const robot = findRobot('franka_panda');
  if (robot === undefined) throw new Error('the registry lacks franka_panda');
  const limits = resolveLimits({
    robot,
    actionSpace: 'ee_delta',
    mode: 'reduced',
    workspace: { min: [-0.5, -0.5, 0], max: [0.5, 0.5, 0.6] },
    hz: HZ,
  });
  if (!limits.ok) throw new Error(`${limits.field}: ${limits.reason}`);
  return {
    limits: limits.limits,
    actionSpace: 'ee_delta',
    dim: 7,
    chunkSize: CHUNK_SIZE,
    hz: HZ,
    execute: EXECUTE,
    blend: 'latest',
    smoothing: 'none',
    action: {
      frame: 'base',
      rotation: 'euler_xyz',
      gripper: 'absolute_0_closed_1_open',
      pose: { position: [0, 1, 2], rotation: [3, 4, 5], gripper: 6 },
    },
  };
}
