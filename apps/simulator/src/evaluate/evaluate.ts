import { type Blind, Eyes } from '../camera/eyes.js';
import { decodeJpeg, encodeJpeg } from '../camera/jpeg.js';
import { FRAME_BYTES, type Renderer } from '../camera/render.js';
import type { Policy } from '../policy/policy.js';
import { CHUNK, CHUNK_VALUES, follow, wayPoints } from '../policy/way-points.js';
import { instructionOf } from '../table/instructions.js';
import { step } from '../table/physics.js';
import { createWorld } from '../table/scene.js';
import { EPISODE_TICKS, GRIPPER, TASKS, type Task, type World } from '../table/world.js';

export interface EvaluationOptions {
  readonly policy: Policy;
  readonly renderer: Renderer;
  /** Seeds of the episodes. */
  readonly seeds: readonly number[];
  /** Ticks between an observation and the first action from it. */
  readonly delayTicks: number;
  /** Ticks executed of each chunk. */
  readonly execute: number;
  /** Frames go through JPEG as on the wire. */
  readonly jpeg: boolean;
  readonly blind: Blind | null;
  readonly wording: 'trained' | 'held-out';
}

export interface Evaluation {
  readonly episodes: number;
  readonly successes: number;
  readonly by_task: Readonly<Record<Task, { episodes: number; successes: number }>>;
  readonly wrong_lifts: number;
  /** Mean length of the successful episodes. */
  readonly ticks: number;
}

interface Episode {
  readonly world: World;
  readonly eyes: Eyes;
  readonly instruction: string;
  /** Seen `delayTicks` ago and not used yet: frame, pose, tick. */
  seen: { frame: Uint8Array; state: Float64Array; tick: number; prefix: Float64Array[] } | null;
  plan: Float64Array;
  plannedAt: number;
}

/**
 * Closed loop without a server: every episode at once, one tick after the other, way-points counted from the pose in
 * the observation (control.md L3) and no governor.
 */
export async function evaluate(options: EvaluationOptions): Promise<Evaluation> {
  const { policy, seeds, delayTicks, execute } = options;
  const episodes = seeds.map((seed) => startEpisode(seed, options));
  const action = new Float64Array(7);
  for (let tick = 0; tick < EPISODE_TICKS; tick++) {
    const running = episodes.filter(({ world }) => world.outcome === 'running');
    if (running.length === 0) break;
    const looks = (tick + delayTicks) % execute === 0 || tick === 0;
    if (looks) for (const episode of running) episode.seen = await look(episode, options, tick);
    if (tick % execute === 0) await plan(policy, running);
    for (const episode of running) {
      const k = Math.min(tick - episode.plannedAt, CHUNK - 1);
      follow(episode.plan, k, episode.world.tool, action);
      const before = episode.world.tool.slice();
      step(episode.world, action);
      episode.seen?.prefix.push(executed(before, episode.world.tool, action));
      episode.eyes.moved(action);
    }
  }
  return summarise(episodes.map(({ world }) => world));
}

function startEpisode(seed: number, { renderer, blind, wording }: EvaluationOptions): Episode {
  const world = createWorld(seed);
  const eyes = new Eyes(renderer, blind, seed);
  return {
    world,
    eyes,
    instruction: eyes.read(instructionOf(world, wording)),
    seen: null,
    plan: new Float64Array(CHUNK_VALUES),
    plannedAt: 0,
  };
}

async function look({ world, eyes }: Episode, { jpeg }: EvaluationOptions, tick: number) {
  const frame = new Uint8Array(FRAME_BYTES);
  eyes.see(world, frame);
  return {
    frame: jpeg ? await decodeJpeg(await encodeJpeg(frame)) : frame,
    state: world.tool.slice(),
    tick,
    prefix: [],
  };
}

/** The motion that came of an action: the robot may have stopped at a limit. */
function executed(before: Float64Array, after: Float64Array, action: Float64Array): Float64Array {
  return action.map((value, i) => (i === GRIPPER ? value : (after[i] ?? 0) - (before[i] ?? 0)));
}

async function plan(policy: Policy, episodes: readonly Episode[]): Promise<void> {
  const asking = episodes.flatMap(({ seen, instruction }) => (seen === null ? [] : [{ ...seen, instruction }]));
  const chunks = await policy.run(asking);
  for (const [i, episode] of episodes.entries()) {
    const seen = asking[i];
    if (seen === undefined) continue;
    episode.plan = wayPoints(chunks.subarray(i * CHUNK_VALUES, (i + 1) * CHUNK_VALUES), seen.state);
    episode.plannedAt = seen.tick;
    episode.seen = null;
  }
}

function summarise(worlds: readonly World[]): Evaluation {
  const successful = worlds.filter(({ outcome }) => outcome === 'success');
  const count = (list: readonly World[], task: Task) => list.filter(({ goal }) => goal.task === task).length;
  const byTask = TASKS.map((task) => [task, { episodes: count(worlds, task), successes: count(successful, task) }]);
  return {
    episodes: worlds.length,
    successes: successful.length,
    by_task: Object.fromEntries(byTask),
    wrong_lifts: worlds.filter(({ wrongLift }) => wrongLift).length,
    ticks: successful.reduce((sum, { tick }) => sum + tick, 0) / Math.max(1, successful.length),
  };
}
