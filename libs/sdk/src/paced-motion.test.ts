import { ControlLoop, type ControlSpec, kinematicsOf, type LimitsInForce, resolveLimits } from '@sinew/control';
import type { ActionSpace, HoldReason, ModelDescription, ServerMessage } from '@sinew/protocol';
import { findRobot } from '@sinew/robots';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Robot } from './robot.js';
import type { RobotAction } from './robot-action.js';
import { FakeServer, MODEL, settle } from './testing/fake-server.js';
import { SEEN, testRobot } from './testing/robots.js';

const PANDA = findRobot('franka_panda')!;
const FORWARD = kinematicsOf(PANDA)!;
const HOME = [0, -0.6, 0, -2.2, 0, 1.6, 0.8];
const SPACES = ['ee_delta', 'joint_position', 'joint_delta', 'joint_velocity'] as const;
/** Of a limit: what rounding of positions costs a second difference at 50 Hz. */
const TOLERANCE = 1e-6;
const CHUNK = 8;

/** What becomes of so many ticks. */
interface Fate {
  readonly ticks: number;
  /** `stall`: nothing arrives, then all of it at once; `late`: so many quarters of a tick, each frame anew; `shed`: never sent. */
  readonly what: 'fine' | 'stall' | 'late' | 'shed' | 'hold' | 'cut' | 'frozen' | 'estop';
  readonly quarters: number;
}

const fate: fc.Arbitrary<Fate> = fc.record({
  ticks: fc.integer({ min: 1, max: 12 }),
  what: fc.constantFrom('fine', 'fine', 'stall', 'late', 'shed', 'hold', 'cut', 'frozen', 'estop'),
  quarters: fc.integer({ min: 0, max: 12 }),
});

/** A server of real ticks, and a robot that goes where it is told, over a network that does what a test says. */
class Rig {
  readonly hz: number;
  readonly limits: LimitsInForce;
  readonly server: FakeServer;
  readonly sent: Extract<ServerMessage, { type: 'action' | 'hold' }>[] = [];
  taken: readonly RobotAction[] = [];
  readonly takenMs: number[] = [];
  robot!: Robot;
  /** The policy wants one thing only, and slowly. */
  calm = false;
  readonly state: Float64Array;
  readonly #space: ActionSpace;
  readonly #loop: ControlLoop;
  readonly #queue: { readonly message: ServerMessage; readonly atMs: number }[] = [];
  readonly #chance: () => number;
  #n = 0;
  #executed = 0;
  #goal: number[] = [];
  #cut = false;

  constructor(space: ActionSpace, hz: number, seed: number) {
    const ee = space === 'ee_delta';
    // of a robot that takes some ticks to stop
    const tighten = ee ? { a: 1, j: 15, dw: 8, ddw: 120 } : {};
    const resolved = resolveLimits({ robot: PANDA, actionSpace: space, mode: 'reduced', hz, tighten });
    if (!resolved.ok) throw new Error(resolved.reason);
    const dim = ee ? 7 : 8;
    const model: ModelDescription = {
      ...MODEL,
      action_space: space,
      action_dim: dim,
      inputs: { ...MODEL.inputs, state: { dim, names: Array.from({ length: dim }, (_, i) => `s${i}`) } },
      action: ee ? { ...MODEL.action, rotation: 'euler_xyz' } : { ...MODEL.action, pose: null },
    };
    const spec: ControlSpec = {
      limits: resolved.limits,
      actionSpace: space,
      dim,
      chunkSize: CHUNK,
      hz,
      execute: 4,
      blend: 'latest',
      smoothing: 'none',
      minSafetyScore: 0,
      action: model.action,
    };
    this.#space = space;
    this.hz = hz;
    this.limits = resolved.limits;
    this.#loop = new ControlLoop(spec);
    this.server = new FakeServer({ robot: resolved.limits, control_hz: hz, model });
    this.state = Float64Array.from(ee ? [0.4, 0, 0.4, 0, 0, 0, 1] : [...HOME, 0.5]);
    let x = seed >>> 0 || 1;
    this.#chance = () => {
      x ^= x << 13;
      x ^= x >>> 17;
      x ^= x << 5;
      return (x >>> 0) / 2 ** 32;
    };
  }

  async begin(): Promise<void> {
    const { robot, taken } = await testRobot(this.server);
    this.robot = robot;
    this.taken = taken;
    this.#look();
  }

  async play({ ticks, what, quarters }: Fate): Promise<void> {
    const { clock } = this.server;
    const period = 1000 / this.hz;
    if (what === 'estop') this.robot.estop();
    if (what === 'cut') {
      this.#queue.length = 0;
      this.server.reachable = false;
      this.#cut = true;
      this.server.connection.end(1006);
      await this.#settled();
    }
    const stalledUntil = what === 'stall' ? clock.now() + ticks * period : 0;
    for (let i = 0; i < ticks; i++) {
      const message = this.#tick(what === 'hold' ? 'stale' : what === 'estop' ? 'estop' : null);
      if (what !== 'shed' && !this.#cut) {
        const wait = what === 'late' ? (quarters * this.#chance() * period) / 4 : 0;
        const last = this.#queue.at(-1)?.atMs ?? 0;
        this.#queue.push({ message, atMs: Math.max(clock.now() + wait, stalledUntil, last) });
      }
      for (let quarter = 0; quarter < 4; quarter++) {
        // a process that gets no time: its timers and its frames wait together
        if (what === 'frozen') clock.jump(period / 4);
        else {
          this.#deliver();
          await this.#settled();
          clock.advance(period / 4);
          await this.#settled();
        }
      }
      if (i % 2 === 0 && what !== 'frozen') this.#look();
    }
    if (what === 'frozen') clock.advance(0);
    await this.#settled();
    if (what === 'estop') this.robot.clearEstop();
    if (what === 'cut') await this.#resume();
  }

  async #resume(): Promise<void> {
    const { server } = this;
    server.opened = { ...server.opened, resumed: true, epoch: server.opened.epoch + 1 };
    server.reachable = true;
    const before = server.connections.length;
    while (server.connections.length === before) {
      server.clock.advance(1000 / this.hz);
      this.#tick(null, true);
      await this.#settled();
    }
    this.#cut = false;
    this.#loop.restart(this.#n);
  }

  /** The server's tick; while nobody is there the numbers advance and nothing is sent. */
  #tick(cause: HoldReason | null, detached = this.#cut): ServerMessage {
    const n = this.#n++;
    if (!detached) {
      if (n % 4 === 0) this.#infer(n);
    }
    if (detached) return { type: 'hold', seq: n, reason: 'starved', values: [] as unknown as Float64Array };
    const { kind, values, reason } = this.#loop.tick(n, cause);
    const copy = Float64Array.from(values);
    const seen = this.robot.stats.observations - 1;
    const message: Extract<ServerMessage, { type: 'action' | 'hold' }> =
      kind === 'hold'
        ? { type: 'hold', seq: n, reason: reason ?? 'starved', values: copy }
        : {
            type: 'action',
            seq: n,
            observation_seq: seen,
            values: copy,
            age_ms: 0,
            safety: { score: 1, checks_passed: 4, flags: [], clamped: false },
            latency: { queue_ms: 0, inference_ms: 0, total_ms: 0 },
            log_id: n,
          };
    this.sent.push(message);
    return message;
  }

  /** A policy that always goes on somewhere else, faster than it may. */
  #infer(n: number): void {
    const dim = this.state.length;
    this.#loop.observe(Float64Array.from(this.state), n);
    if (this.calm) this.#goal.fill(0.1);
    else if (n % 16 === 0 || this.#goal.length === 0)
      this.#goal = Array.from({ length: dim }, () => (this.#chance() - 0.5) * 2);
    const actions = new Float32Array(CHUNK * dim);
    const speed = {
      ee_delta: 0.4 / this.hz,
      joint_delta: 0.6 / this.hz,
      joint_velocity: 0.6,
      joint_position: 0.6 / this.hz,
    };
    for (let k = 0; k < CHUNK; k++) {
      for (let i = 0; i < dim - 1; i++) {
        const by = (this.#goal[i] ?? 0) * speed[this.#space];
        actions[k * dim + i] = this.#space === 'joint_position' ? (this.state[i] ?? 0) + (k + 1) * by : by;
      }
      actions[k * dim + dim - 1] = n % 3 === 0 ? 0 : 1;
    }
    this.#loop.adopt({ actions, state: Float64Array.from(this.state), baseTick: n, nextTick: n, ref: n });
  }

  #deliver(): void {
    const now = this.server.clock.now() + 1e-6;
    while ((this.#queue[0]?.atMs ?? Number.POSITIVE_INFINITY) <= now) {
      const next = this.#queue.shift();
      if (next !== undefined) this.server.connection.send(next.message);
    }
  }

  async #settled(): Promise<void> {
    await settle();
    for (; this.#executed < this.taken.length; this.#executed++) {
      this.takenMs.push(this.server.clock.now());
      const { values } = this.taken[this.#executed]!;
      for (const [i, value] of values.entries()) {
        const by = this.#space === 'joint_velocity' ? value / this.hz : value;
        const absolute = this.#space === 'joint_position' || i === values.length - 1;
        this.state[i] = absolute ? value : (this.state[i] ?? 0) + by;
      }
    }
  }

  #look(): void {
    this.robot.observe({ ...SEEN, state: [...this.state] });
  }
}

/** Largest shares of the limits that a sequence of commands used, one command a control period, by finite differences. */
function used(rig: Rig, start: readonly number[]): { v: number; a: number; j: number; tool: number; grip: boolean } {
  const { hz, limits, taken, takenMs } = rig;
  const space = limits.action_space;
  const joints = limits.joints;
  const { v, a, j, w, dw, ddw } = limits.cartesian;
  const groups: { at: number[]; most: number[] }[] =
    joints === undefined
      ? [
          { at: [0, 1, 2], most: [v.value, a.value, j.value] },
          { at: [3, 4, 5], most: [w.value, dw.value, ddw.value] },
        ]
      : joints.map((joint, i) => ({ at: [i], most: [joint.v.value, joint.a.value, joint.j.value] }));
  const worst = [0, 0, 0];
  let tool = 0;
  const n = start.length - 1;
  const q = [...start];
  let speed = new Array<number>(n).fill(0);
  let change = new Array<number>(n).fill(0);
  for (const [k, { values, kind, local, reason }] of taken.entries()) {
    const step = q.slice(0, n).map((x, i) => {
      const value = values[i] ?? Number.NaN;
      return space === 'joint_position' ? value - x : space === 'joint_velocity' ? value / hz : value;
    });
    const next = step.map((s) => s * hz);
    // an e-stop of this side's stands at once, by design; and a robot whose process got no time stood meanwhile
    const stopped = kind === 'hold' && local && reason === 'estop';
    const alone = (takenMs[k] ?? 0) - (takenMs[k - 1] ?? 0) > 3_000 / hz;
    if (stopped || alone) {
      speed = speed.map(() => 0);
      change = change.map(() => 0);
    }
    const a1 = next.map((x, i) => (x - (speed[i] ?? 0)) * hz);
    const j1 = a1.map((x, i) => (x - (change[i] ?? 0)) * hz);
    for (const { at, most } of groups)
      for (const [order, vector] of [next, a1, j1].entries()) {
        const share = Math.hypot(...at.map((i) => vector[i] ?? Number.NaN)) / (most[order] ?? Number.NaN);
        worst[order] = Math.max(worst[order] ?? 0, Number.isFinite(share) ? share : Number.POSITIVE_INFINITY);
      }
    if (joints !== undefined) {
      const there = q.slice(0, n).map((x, i) => x + (step[i] ?? 0));
      tool = Math.max(tool, (distance(q, there) * hz) / v.value);
    }
    for (const [i, s] of step.entries()) q[i] = (q[i] ?? 0) + s;
    speed = next;
    change = a1;
  }
  // the gripper is as some command of the server's said, or as it was: never in between
  const grip = taken.every(({ values }) => [0, 1, start[n]].includes(values[n]));
  return { v: worst[0] ?? 0, a: worst[1] ?? 0, j: worst[2] ?? 0, tool, grip };
}

class Point {
  x = 0;
  y = 0;
  z = 0;

  set(x: number, y: number, z: number): this {
    return Object.assign(this, { x, y, z });
  }
}

function distance(from: readonly number[], to: readonly number[]): number {
  const point = (q: readonly number[]) => {
    const out = new Point();
    FORWARD.position(Float64Array.from(q.slice(0, 7)), out as never);
    return out;
  };
  const [p, r] = [point(from), point(to)];
  return Math.hypot(p.x - r.x, p.y - r.y, p.z - r.z);
}

const FINE: Fate = { ticks: 20, what: 'fine', quarters: 0 };

describe.each(SPACES)('what a paced robot executes in %s', (space) => {
  it.each([10, 50, 100])(
    '[S14] keeps speed, acceleration and jerk whatever the network does to its ticks, at %i Hz',
    async (hz) => {
      await fc.assert(
        fc.asyncProperty(fc.array(fate, { minLength: 1, maxLength: 10 }), fc.integer(), async (fates, seed) => {
          const rig = new Rig(space, hz, seed);
          const start = [...rig.state];
          await rig.begin();
          await rig.play(FINE);
          for (const each of fates) await rig.play(each);
          await rig.play(FINE);
          const { grip, ...most } = used(rig, start);
          expect(grip).toBe(true);
          expect(most.v).toBeLessThanOrEqual(1 + TOLERANCE);
          expect(most.a).toBeLessThanOrEqual(1 + TOLERANCE);
          expect(most.j).toBeLessThanOrEqual(1 + TOLERANCE);
          if (space === 'joint_position') expect(most.tool).toBeLessThanOrEqual(1 + TOLERANCE);
          // and once network and policy are calm again, what is executed is what the server sends, to the bit
          rig.calm = true;
          await rig.play({ ticks: 40, what: 'hold', quarters: 0 });
          await rig.play({ ticks: 60, what: 'fine', quarters: 0 });
          expect(rig.taken.at(-1)?.local).toBe(false);
          expect(rig.taken.at(-1)?.values).toEqual(rig.sent.at(-1)?.values);
          await rig.robot.close();
        }),
        { numRuns: 25 },
      );
    },
  );
});

/** At 10 Hz: 0.1 m/s more or less a tick. */
async function steady(idle = false) {
  const resolved = resolveLimits({ robot: PANDA, actionSpace: 'ee_delta', mode: 'reduced', hz: 10, tighten: { a: 1 } });
  if (!resolved.ok) throw new Error(resolved.reason);
  const server = new FakeServer({ robot: resolved.limits });
  const { robot, taken } = await testRobot(server, {}, { idle });
  robot.observe(SEEN);
  const send = async (seq: number, x: number, kind: 'action' | 'hold' = 'action', gripper = 1) => {
    const values = Float64Array.of(x, 0, 0, 0, 0, 0, gripper);
    if (kind === 'action') server.connection.action(seq, 0, { values });
    else server.connection.hold(seq, 'stale', values);
    await settle();
  };
  const pass = async (ms: number) => {
    server.clock.advance(ms);
    await settle();
  };
  const steps = () => taken.map(({ values }) => Math.round((values[0] ?? Number.NaN) * 1e6) / 1e6);
  return { robot, server, taken, send, pass, steps };
}

describe('a paced robot at 0.25 m/s that may change its speed by 0.1 m/s a tick', () => {
  const moving = async () => {
    const rig = await steady();
    for (const [seq, x] of [0.01, 0.02, 0.025].entries()) {
      await rig.send(seq, x);
      await rig.pass(100);
    }
    return rig;
  };

  it('[S14] is braked from half a period after a tick that does not come, and then held', async () => {
    const { pass, steps, taken } = await moving();
    await pass(49);
    expect(steps()).toEqual([0.01, 0.02, 0.025]);
    for (let i = 0; i < 4; i++) await pass(100);
    expect(steps()).toEqual([0.01, 0.02, 0.025, 0.015, 0.005, 0, 0]);
    expect(taken.slice(3).map(({ kind, local, reason, seq }) => [kind, local, reason, seq])).toEqual(
      [3, 4, 5, 6].map((seq) => ['hold', true, 'link', seq]),
    );
  });

  it('[S14] joins what comes all at once from where it is, with the gripper as it is told, and then follows to the bit', async () => {
    const { pass, send, steps, taken } = await moving();
    await pass(60);
    for (let i = 0; i < 3; i++) await pass(100);
    expect(steps().slice(3)).toEqual([0.015, 0.005, 0, 0]);
    await pass(60);
    for (const seq of [3, 4, 5, 6, 7]) await send(seq, 0.025, 'action', 0);
    expect(steps().slice(-5)).toEqual([0.01, 0.02, 0.025, 0.025, 0.025]);
    expect(taken.slice(-5).map(({ clamped, kind }) => [kind, clamped])).toEqual([
      ['action', true],
      ['action', true],
      ['action', false],
      ['action', false],
      ['action', false],
    ]);
    expect(taken.at(-5)?.values[6]).toBe(0);
  });

  it('[S14] does not execute two commands in the place of one: a tick that comes just after its place was taken', async () => {
    const { pass, send, steps } = await moving();
    await pass(60);
    await send(3, 0.025);
    expect(steps().slice(3)).toEqual([0.015]);
    await pass(90);
    await send(4, 0.025);
    expect(steps().slice(3)).toEqual([0.015, 0.025]);
  });

  it('[S14] is not moved by the braking of a server that believes it faster', async () => {
    const { pass, send, steps } = await moving();
    await pass(500);
    await send(8, 0.015, 'hold');
    await pass(100);
    await send(9, 0.005, 'hold');
    expect(steps().slice(-2)).toEqual([0, 0]);
  });

  it('[S14] slows down over ticks that the server never sent', async () => {
    const { send, steps } = await moving();
    await send(6, -0.025);
    expect(steps().at(-1)).toBe(0.015);
  });

  it('[S14] stands after its process had no time, and begins from there', async () => {
    const { pass, send, server, steps } = await moving();
    server.clock.jump(1_000);
    await pass(0);
    expect(steps().slice(3)).toEqual([0]);
    await pass(60);
    await send(13, 0.025);
    expect(steps().at(-1)).toBe(0.01);
  });

  it('[S14] stands at once in an e-stop of this side, and starts from rest', async () => {
    const { pass, robot, send, server, steps } = await moving();
    robot.estop();
    await settle();
    expect(steps().at(-1)).toBe(0);
    await pass(50);
    robot.clearEstop();
    robot.observe(SEEN);
    server.connection.action(4, 1, { values: Float64Array.of(0.025, 0, 0, 0, 0, 0, 1) });
    await settle();
    expect(steps().at(-1)).toBe(0.01);
    await send(5, 0.025);
    expect(steps().at(-1)).toBe(0.01);
  });

  it('[S14] governs what a slow consumer takes from what it took before, not from what it never saw', async () => {
    const { robot, send, pass } = await steady(true);
    const actions = robot.actions();
    const x = async () => Math.round(((await actions.next()).value?.values[0] ?? Number.NaN) * 1e6) / 1e6;
    await send(0, 0.01);
    expect(await x()).toBe(0.01);
    for (const [i, step] of [0.02, 0.025, 0.025, 0.025].entries()) await send(i + 1, step);
    await pass(100);
    expect([await x(), await x()]).toEqual([0.02, 0.025]);
  });
});

describe('paced positions after somebody moved the arm', () => {
  const setUp = async () => {
    const resolved = resolveLimits({ robot: PANDA, actionSpace: 'joint_position', mode: 'reduced', hz: 10 });
    if (!resolved.ok) throw new Error(resolved.reason);
    const model: ModelDescription = {
      ...MODEL,
      action_space: 'joint_position',
      inputs: { ...MODEL.inputs, state: { dim: 7, names: [...'abcdefg'] } },
      action: { ...MODEL.action, pose: null },
    };
    const server = new FakeServer({ robot: resolved.limits, model });
    const { robot, taken } = await testRobot(server);
    robot.observe({ ...SEEN, state: HOME });
    server.connection.action(0, 0, { values: Float64Array.from(HOME) });
    await settle();
    return { moved: HOME.map((x, i) => (i === 0 ? x + 0.5 : x)), robot, server, taken };
  };

  it('[S14] goes on from where the arm is seen after an e-stop, and does not pull it back', async () => {
    const { moved, robot, server, taken } = await setUp();
    robot.estop();
    await settle();
    server.clock.advance(300);
    robot.observe({ ...SEEN, state: moved });
    robot.clearEstop();
    const seq = robot.observe({ ...SEEN, state: moved });
    server.connection.action(9, seq, { values: Float64Array.from(moved) });
    await settle();
    expect([...taken.at(-1)!.values]).toEqual(moved);
    expect(taken.at(-1)?.kind).toBe('action');
  });

  it('[S14] holds a new episode where the arm is seen', async () => {
    const { moved, robot, server, taken } = await setUp();
    robot.reset();
    robot.observe({ ...SEEN, state: moved });
    server.connection.hold(7, 'starved', Float64Array.from(moved));
    await settle();
    expect([...taken.at(-1)!.values]).toEqual(moved);
  });

  it('[S14] reaches a position that is far ahead within the limits of the joints and of the tool', async () => {
    const { moved, server, taken } = await setUp();
    for (let seq = 7; seq < 60; seq++) {
      server.connection.action(seq, 0, { values: Float64Array.from(moved) });
      await settle();
      server.clock.advance(100);
    }
    const path = [HOME, ...taken.map(({ values }) => [...values])];
    expect(path.at(-1)).toEqual(moved);
    for (const [i, q] of path.slice(1).entries()) expect(distance(path[i]!, q) * 10).toBeLessThanOrEqual(0.25 + 1e-9);
    expect(Math.max(...path.map(([first]) => first!))).toBe(0.5);
  });
});
