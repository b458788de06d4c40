import { FRAME_BYTES, type Renderer } from '../camera/render.js';
import type { Policy } from '../policy/policy.js';
import { CHUNK, CHUNK_VALUES, follow, wayPoints } from '../policy/way-points.js';
import { trainingSeed } from '../seeds.js';
import { expertAction } from '../table/expert.js';
import { instructionOf } from '../table/instructions.js';
import { step } from '../table/physics.js';
import { Random } from '../table/random.js';
import { createWorld } from '../table/scene.js';
import type { World } from '../table/world.js';
import type { SampleWriter } from './sample.js';

const JITTER = [0.001, 0.001, 0.001, 0.005, 0.005, 0.01] as const;

/** Whoever acts: all that is asked of it are chunks. */
export type Actor = Pick<Policy, 'run'> & Partial<Pick<Policy, 'takesPrefix'>>;

interface Episode {
  world: World;
  instruction: string;
  lastTick: number;
  /** Way-points that are being executed, and which one comes next. */
  plan: Float64Array | null;
  next: number;
  replanAfter: number;
  /** A plan that was asked for and arrives in `delay` ticks. */
  coming: { plan: Float64Array; delay: number; age: number } | null;
  expertActs: boolean;
}

/**
 * The learner acts, late by 0-3 ticks as over a network, and the expert says what it should have done (DAgger, Ross
 * 2011).
 */
export class LearnerStream {
  readonly #writer: SampleWriter;
  readonly #renderer: Renderer;
  readonly #random = new Random(trainingSeed('learner', 0));
  readonly #episodes: Episode[] = [];
  #started = 0;

  constructor(writer: SampleWriter, renderer: Renderer, episodes = 128) {
    this.#writer = writer;
    this.#renderer = renderer;
    for (let i = 0; i < episodes; i++) this.#episodes.push(this.#start());
  }

  async *collect(count: number, policy: Actor, share: number): AsyncGenerator<Uint8Array> {
    for (let collected = 0; collected < count; ) {
      for (const episode of this.#episodes) {
        if (this.#random.unit() >= share) continue;
        yield this.#writer.sample(episode.world, true);
        collected += 1;
      }
      await this.#plan(policy);
      for (const [i, episode] of this.#episodes.entries()) {
        this.#advance(episode);
        const { outcome, tick } = episode.world;
        if (outcome !== 'running' || tick >= episode.lastTick) this.#episodes[i] = this.#start();
      }
    }
  }

  #start(): Episode {
    const random = this.#random;
    const world = createWorld(trainingSeed('learner', this.#started++), random.unit() < 0.3 ? 'anywhere' : 'home');
    return {
      world,
      instruction: instructionOf(world),
      lastTick: 60 + random.below(50),
      plan: null,
      next: 0,
      replanAfter: 0,
      coming: null,
      expertActs: false,
    };
  }

  async #plan(policy: Actor): Promise<void> {
    const asking = this.#episodes.filter((e) => e.coming === null && (e.plan === null || e.next >= e.replanAfter));
    if (asking.length === 0) return;
    const frames = asking.map(({ world }) => {
      const frame = new Uint8Array(FRAME_BYTES);
      this.#renderer.render(world, frame);
      return frame;
    });
    const delays = asking.map(({ plan }) => {
      const late = plan !== null && this.#random.unit() >= 0.4;
      return late ? 1 + this.#random.below(3) : 0;
    });
    const chunks = await policy.run(
      asking.map((episode, i) => ({
        frame: frames[i] ?? new Uint8Array(FRAME_BYTES),
        state: episode.world.tool,
        instruction: episode.instruction,
        ...(policy.takesPrefix === true ? { prefix: upcoming(episode, delays[i] ?? 0) } : {}),
      })),
    );
    for (const [i, episode] of asking.entries()) {
      const delay = delays[i] ?? 0;
      const plan = wayPoints(chunks.subarray(i * CHUNK_VALUES, (i + 1) * CHUNK_VALUES), episode.world.tool);
      episode.coming = { plan, delay, age: delay };
    }
  }

  #advance(episode: Episode): void {
    const random = this.#random;
    if (episode.coming?.delay === 0) {
      episode.plan = episode.coming.plan;
      episode.next = episode.coming.age;
      episode.replanAfter = episode.coming.age + 1 + random.below(5);
      episode.expertActs = random.unit() < 0.1;
      episode.coming = null;
    } else if (episode.coming !== null) episode.coming.delay -= 1;
    const action = new Float64Array(7);
    if (episode.expertActs || episode.plan === null) expertAction(episode.world, action);
    else follow(episode.plan, Math.min(episode.next, CHUNK - 1), episode.world.tool, action);
    episode.next += 1;
    for (const [i, deviation] of JITTER.entries()) action[i] = (action[i] ?? 0) + deviation * random.normal();
    step(episode.world, action);
  }
}

/** The next `count` actions of the plan that an episode is executing. */
function upcoming({ plan, next, world, expertActs }: Episode, count: number): Float64Array[] {
  if (plan === null || expertActs) return [];
  const pose = world.tool.slice();
  return Array.from({ length: count }, (_, k) => {
    const action = new Float64Array(7);
    follow(plan, Math.min(next + k, CHUNK - 1), pose, action);
    for (let i = 0; i < 6; i++) pose[i] = (pose[i] ?? 0) + (action[i] ?? 0);
    return action;
  });
}
