import { type TrainingStream, trainingSeed } from '../seeds.js';
import { expertAction } from '../table/expert.js';
import { step } from '../table/physics.js';
import { Random } from '../table/random.js';
import { createWorld } from '../table/scene.js';
import { GRIPPER, type World } from '../table/world.js';
import type { SampleWriter } from './sample.js';

/** Standard deviation of the disturbance's steps, a tick: metres, then radians. */
const DISTURBANCE = [0.006, 0.006, 0.006, 0.03, 0.03, 0.06] as const;

interface Episode {
  readonly world: World;
  /** 0: undisturbed. */
  readonly level: number;
  readonly lastTick: number;
  readonly drift: Float64Array;
  disturbed: boolean;
}

/**
 * The expert under disturbances that come in bursts (DART, Laskey 2017): the samples show how to come back. Labels are
 * always the expert's clean actions. Many episodes run side by side so that samples next to each other are unrelated.
 */
export class ExpertStream {
  readonly #writer: SampleWriter;
  readonly #stream: TrainingStream;
  readonly #random: Random;
  readonly #episodes: Episode[] = [];
  readonly #action = new Float64Array(7);
  #next = 0;
  #turn = 0;

  constructor(writer: SampleWriter, stream: TrainingStream, episodes = 512) {
    this.#writer = writer;
    this.#stream = stream;
    this.#random = new Random(trainingSeed(stream, 0));
    for (let i = 0; i < episodes; i++) this.#episodes.push(this.#start());
  }

  /** `share`: how many of the visited ticks become samples. */
  *collect(count: number, withFrame: boolean, share: number): Generator<Uint8Array> {
    for (let collected = 0; collected < count; ) {
      const at = this.#turn++ % this.#episodes.length;
      const episode = this.#episodes[at] ?? this.#start();
      if (this.#random.unit() < share) {
        yield this.#writer.sample(episode.world, withFrame);
        collected += 1;
      }
      this.#advance(episode);
      const { outcome, tick } = episode.world;
      if (outcome !== 'running' || tick >= episode.lastTick) this.#episodes[at] = this.#start();
    }
  }

  #start(): Episode {
    const random = this.#random;
    const world = createWorld(trainingSeed(this.#stream, this.#next++), random.unit() < 0.3 ? 'anywhere' : 'home');
    const level = random.unit() < 0.25 ? 0 : random.between(0.2, 1);
    return { world, level, lastTick: 40 + random.below(50), drift: new Float64Array(6), disturbed: false };
  }

  #advance(episode: Episode): void {
    const random = this.#random;
    const action = this.#action;
    expertAction(episode.world, action);
    if (random.unit() < (episode.disturbed ? 0.15 : 0.08)) episode.disturbed = !episode.disturbed;
    for (const [i, deviation] of DISTURBANCE.entries()) {
      const drift = 0.7 * (episode.drift[i] ?? 0) + deviation * random.normal();
      episode.drift[i] = drift;
      if (episode.disturbed) action[i] = (action[i] ?? 0) + drift * episode.level;
    }
    if (episode.disturbed && random.unit() < 0.02) action[GRIPPER] = 1 - (action[GRIPPER] ?? 0);
    step(episode.world, action);
  }
}
