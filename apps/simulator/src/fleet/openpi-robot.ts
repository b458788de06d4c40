import { isNdArray, numbersOf, OpenpiFloat, uint8Array } from '@sinew/protocol/openpi';
import type { Environment } from '@sinew/sdk';
import { type Blind, Eyes } from '../camera/eyes.js';
import { FRAME_SIZE } from '../camera/projection.js';
import { FRAME_BYTES, type Renderer } from '../camera/render.js';
import { instructionOf } from '../table/instructions.js';
import { step } from '../table/physics.js';
import { createWorld } from '../table/scene.js';
import type { World } from '../table/world.js';
import type { Episodes } from './episodes.js';
import { OpenpiClient } from './openpi-client.js';
import type { RobotStatus } from './robot-status.js';
import type { FinishedEpisode } from './sim-options.js';
import type { Statistics } from './statistics.js';
import { TickCounter } from './tick-counter.js';

export interface OpenpiRobotOptions {
  readonly name: string;
  /** With the query that says what a native `open` would. */
  readonly url: string;
  readonly apiKey: string;
  readonly tlsCa: string | null;
  /** Actions of each chunk that are executed, open loop; then the robot looks again. */
  readonly execute: number;
  readonly blind: Blind | null;
  readonly environment: Environment;
  readonly renderer: Renderer;
  readonly episodes: Episodes;
  readonly statistics: Statistics;
  readonly onEpisode: (episode: FinishedEpisode) => void;
}

const DIM = 7;

/**
 * The robot at its table as a client of the openpi wire: one look, one chunk, the first `execute` of its actions, and again.
 * Between episodes it says nothing, as openpi's own client has nothing to say then.
 */
export class OpenpiRobot {
  readonly ticks = new TickCounter();
  readonly #options: OpenpiRobotOptions;
  readonly #frame = new Uint8Array(FRAME_BYTES);
  #client: OpenpiClient | null = null;
  #stopped = false;
  #task = '';
  #seq = 0;
  #holds = 0;
  #episodesDone = 0;
  #successes = 0;

  constructor(options: OpenpiRobotOptions) {
    this.#options = options;
  }

  status(): RobotStatus {
    return {
      robot: this.#options.name,
      task: this.#task,
      hz: this.ticks.hz ?? Number.NaN,
      age_p50_ms: Number.NaN,
      age_p99_ms: Number.NaN,
      holds: this.#holds,
      // The wire does not tell.
      clamped: 0,
      episodes: this.#episodesDone,
      successes: this.#successes,
    };
  }

  /** Plays episodes until there are none, or `stop`. Throws what ended the connection. */
  async run(): Promise<void> {
    const { apiKey, episodes, tlsCa, url } = this.#options;
    let seed = episodes.take();
    if (seed === null || this.#stopped) return;
    const client = await OpenpiClient.connect(url, apiKey, tlsCa);
    this.#client = client;
    try {
      for (; seed !== null && !this.#stopped; seed = episodes.take()) await this.#play(client, seed);
    } catch (error) {
      if (!this.#stopped) throw error;
    } finally {
      client.close();
    }
  }

  stop(): void {
    this.#stopped = true;
    this.#client?.close();
  }

  async #play(client: OpenpiClient, seed: number): Promise<void> {
    const { blind, onEpisode, renderer, statistics } = this.#options;
    const world = createWorld(seed);
    const eyes = new Eyes(renderer, blind, seed);
    this.#task = eyes.read(instructionOf(world));
    while (world.outcome === 'running' && !this.#stopped) {
      eyes.see(world, this.#frame);
      const { actions, hold } = await client.infer({
        images: { main: uint8Array([FRAME_SIZE, FRAME_SIZE, 3], this.#frame) },
        state: [...world.tool].map((value) => new OpenpiFloat(value)),
        prompt: this.#task,
      });
      if (!isNdArray(actions) || actions.shape[1] !== DIM) throw new Error('the reply holds no actions of this robot');
      await this.#execute(world, eyes, numbersOf(actions), typeof hold === 'string' ? hold : null);
    }
    if (world.outcome === 'running') return;
    const success = world.outcome === 'success';
    statistics.episode(world);
    this.#episodesDone += 1;
    if (success) this.#successes += 1;
    onEpisode({ success, task: world.goal.task, ticks: world.tick });
  }

  async #execute(world: World, eyes: Eyes, actions: Float64Array, hold: string | null): Promise<void> {
    const { environment, execute, statistics } = this.#options;
    for (let i = 0; i < execute && (i + 1) * DIM <= actions.length && world.outcome === 'running'; i++) {
      const action = actions.subarray(i * DIM, (i + 1) * DIM);
      step(world, action);
      eyes.moved(action);
      this.ticks.received(this.#seq++, environment.now(), false);
      if (hold === null) statistics.actions += 1;
      else statistics.holds[hold] = (statistics.holds[hold] ?? 0) + 1;
    }
    if (hold === null) return;
    this.#holds += 1;
    // A hold comes at once: asking again at once would spin.
    await new Promise<void>((resolve) => environment.setTimeout(resolve, 100));
  }
}
