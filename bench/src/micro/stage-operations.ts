import { type ControlSpec, kinematicsOf, TcpEnvelope, VectorFilter } from '@sinew/control';
import {
  type Chunk,
  ChunkTimeline,
  DeltaAction,
  EeDeltaMotion,
  Entry,
  Governor,
  JointGovernor,
  JointMotion,
  type Motion,
  Pose,
  Vec3,
} from '@sinew/control/stages';
import { type ActionSpace, SMOOTHINGS } from '@sinew/protocol';
import { findRobot } from '@sinew/robots';
import { HOME, HZ, panda, wandering } from './control-specs.js';
import type { Operation } from './time-operation.js';

const ROUND = 512;
/** The most that a temporal ensemble blends. */
const OVERLAPPING = 16;

/** The stages of a tick by themselves. */
export function stageOperations(): Record<string, Operation> {
  return { ...governors(), ...timelines(), ...filters(), ...kinematics() };
}

function governors(): Record<string, Operation> {
  const posts = [
    { min: [0.3, 0.3, 0], max: [0.4, 0.4, 0.4] },
    { center: [-0.4, 0.3, 0.1], radius: 0.08 },
    { normal: [0, 0, 1], offset: 0.02 },
  ] as const;
  return {
    'governor: ee_delta, legal': poseGovernor(panda('ee_delta'), 'slow'),
    'governor: ee_delta, too fast': poseGovernor(panda('ee_delta'), 'fast'),
    'governor: ee_delta, three keep-outs, legal': poseGovernor(panda('ee_delta', { keepOut: posts as never }), 'slow'),
    'governor: 7 joints, legal': jointGovernor('slow', false),
    'governor: 7 joints, too fast': jointGovernor('fast', false),
    'governor: 7 joints and the tool’s way, legal': jointGovernor('slow', true),
    'governor: 7 joints and the tool’s way, too fast': jointGovernor('fast', true),
  };
}

function poseGovernor({ limits }: ControlSpec, speed: 'slow' | 'fast'): Operation {
  const governor = new Governor(limits, true);
  const [proposed, sent] = [new DeltaAction(), new DeltaAction()];
  const actions = wandering('ee_delta', ROUND, speed);
  const position = new Vec3();
  position.set(0, 0, 0.2);
  let n = 0;
  return (count) => {
    for (const end = n + count; n < end; n++) {
      const a = (n % ROUND) * 7;
      proposed.translation.set(actions[a] as number, actions[a + 1] as number, actions[a + 2] as number);
      proposed.rotation.set(actions[a + 3] as number, actions[a + 4] as number, actions[a + 5] as number);
      proposed.gripper = actions[a + 6] as number;
      governor.govern(proposed, position, proposed.translation, proposed.rotation, sent);
      position.addScaled(position, sent.translation, 1);
    }
  };
}

function jointGovernor(speed: 'slow' | 'fast', withTool: boolean): Operation {
  const { limits } = panda('joint_delta');
  const kinematics = pandaKinematics();
  const tcp = { kinematics, envelope: new TcpEnvelope(limits.workspace, []), v: limits.cartesian.v.value };
  const governor = new JointGovernor(limits.joints ?? [], HZ, withTool ? tcp : null);
  const actions = wandering('joint_delta', ROUND, speed);
  const q = Float64Array.from(HOME.joints);
  const delta = new Float64Array(7);
  const out = new Float64Array(7);
  let n = 0;
  return (count) => {
    for (const end = n + count; n < end; n++) {
      const a = (n % ROUND) * 7;
      for (let i = 0; i < 7; i++) delta[i] = actions[a + i] as number;
      governor.follow(q, delta, delta, out);
      for (let i = 0; i < 7; i++) q[i] = (q[i] as number) + (out[i] as number);
    }
  };
}

function pandaKinematics() {
  const robot = findRobot('franka_panda');
  const kinematics = robot === undefined ? null : kinematicsOf(robot);
  if (kinematics === null) throw new Error('the registry lacks the geometry of franka_panda');
  return kinematics;
}

/** The target of a tick, blended and smoothed. */
function timelines(): Record<string, Operation> {
  const operations: Record<string, Operation> = {};
  for (const space of ['ee_delta', 'joint_position'] as const) {
    operations[`timeline: ${space}, latest`] = timeline(panda(space, { chunkSize: ROUND }), space);
    for (const smoothing of SMOOTHINGS) {
      const spec = panda(space, { chunkSize: ROUND, execute: 1, blend: 'temporal_ensemble', smoothing });
      operations[`timeline: ${space}, ensemble of ${OVERLAPPING}, ${smoothing}`] = timeline(spec, space);
    }
  }
  return operations;
}

function timeline(spec: ControlSpec, space: ActionSpace): Operation {
  const motion: Motion = space === 'ee_delta' ? new EeDeltaMotion(spec, ROUND) : new JointMotion(spec, ROUND);
  const line = new ChunkTimeline(spec, motion);
  const state = Float64Array.from(space === 'ee_delta' ? HOME.ee_delta : HOME.joints);
  const entry = new Entry();
  motion.observe(state, 0);
  const actions = wandering(space, ROUND, 'slow');
  for (let base = 0; base < OVERLAPPING; base++) {
    const chunk: Chunk = line.draft();
    Object.assign(chunk, { ref: base, baseTick: base, from: base, end: base + ROUND });
    motion.fill(chunk, { actions, state, baseTick: base, nextTick: base, ref: base });
    line.commit(chunk);
  }
  let n = OVERLAPPING;
  motion.begin();
  return (count) => {
    for (let i = 0; i < count; i++) {
      line.target(n, entry);
      motion.filter();
      if (++n === ROUND) n = OVERLAPPING;
    }
  };
}

/** Each smoothing of a vector of 7. */
function filters(): Record<string, Operation> {
  const operations: Record<string, Operation> = {};
  const seven = (value: number): number[] => new Array<number>(7).fill(value);
  for (const smoothing of SMOOTHINGS) {
    if (smoothing === 'none') continue;
    const filter = new VectorFilter(smoothing, 1 / HZ, 7, {
      velocity: seven(1),
      acceleration: seven(5),
      jerk: seven(100),
    });
    const actions = wandering('joint_position', ROUND, 'slow');
    const commanded = Float64Array.from(HOME.joints);
    const target = new Float64Array(7);
    let n = 0;
    operations[`smoothing: 7 joints, ${smoothing}`] = (count) => {
      for (let i = 0; i < count; i++) {
        const a = (n++ % ROUND) * 7;
        for (let d = 0; d < 7; d++) target[d] = actions[a + d] as number;
        filter.apply(target, commanded);
      }
    };
  }
  return operations;
}

function kinematics(): Record<string, Operation> {
  const arm = pandaKinematics();
  const q = Float64Array.from(HOME.joints);
  const [at, pose, jacobian] = [new Vec3(), new Pose(), new Float64Array(42)];
  const moving =
    (what: () => unknown): Operation =>
    (count) => {
      for (let i = 0; i < count; i++) {
        q[1] = -0.5 + 1e-6 * (i & 1023);
        what();
      }
    };
  return {
    'kinematics: position': moving(() => arm.position(q, at)),
    'kinematics: pose': moving(() => arm.pose(q, pose)),
    'kinematics: Jacobian': moving(() => arm.jacobian(q, jacobian)),
    'kinematics: conditioning': moving(() => arm.conditioning(q)),
  };
}
