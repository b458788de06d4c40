import {
  type ConnectOptions,
  type Environment,
  Robot,
  type RobotAction,
  type RobotEvent,
  SinewError,
} from '@sinew/sdk';
import { type Blind, Eyes } from '../camera/eyes.js';
import { encodeJpeg } from '../camera/jpeg.js';
import { FRAME_SIZE } from '../camera/projection.js';
import { FRAME_BYTES, type Renderer } from '../camera/render.js';
import { instructionOf } from '../table/instructions.js';
import { step } from '../table/physics.js';
import { createWorld } from '../table/scene.js';
import { GRIPPER, type World } from '../table/world.js';
import type { Episodes } from './episodes.js';
import { Recent } from './recent.js';
import type { RobotStatus } from './robot-status.js';
import type { FinishedEpisode } from './sim-options.js';
import type { Statistics } from './statistics.js';
import { TickCounter } from './tick-counter.js';

/** A run that cannot reach its server for so long gives up, unless it is to run for ever. */
const OUTAGE_MS = 60_000;

export interface SimulatedRobotOptions {
  readonly name: string;
  /** All but the instruction, which is the episode's. */
  readonly connect: Omit<ConnectOptions, 'instruction' | 'onEvent'>;
  readonly blind: Blind | null;
  readonly frames: 'jpeg' | 'rgb8';
  readonly photograph: ((world: World, frame: Uint8Array) => void) | null;
  readonly environment: Environment;
  readonly renderer: Renderer;
  readonly episodes: Episodes;
  readonly statistics: Statistics;
  /** Keeps trying however long the server is away. */
  readonly patient: boolean;
  readonly onEvent: (event: RobotEvent) => void;
  readonly onEpisode: (episode: FinishedEpisode) => void;
}

interface Episode {
  readonly world: World;
  readonly eyes: Eyes;
  readonly instruction: string;
  /** The policy has acted on this episode; until then commands are leftovers and move nothing. */
  begun: boolean;
}

/**
 * A robot at a table: the SDK is all it knows of the server, its camera all that the server knows of the table. Every
 * command is one control tick of its physics; after it, the robot looks again.
 */
export class SimulatedRobot {
  readonly ticks = new TickCounter();
  readonly #options: SimulatedRobotOptions;
  readonly #frame = new Uint8Array(FRAME_BYTES);
  readonly #recentTicks = new Recent(50);
  readonly #recentAges = new Recent(200);
  #robot: Robot | null = null;
  #episode: Episode | null = null;
  #looking = false;
  #outageSinceMs: number | null = null;
  #outage: Error | null = null;
  #stopped = false;
  #holds = 0;
  #clamped = 0;
  #episodesDone = 0;
  #successes = 0;

  constructor(options: SimulatedRobotOptions) {
    this.#options = options;
  }

  status(): RobotStatus {
    return {
      robot: this.#options.name,
      task: this.#episode?.instruction ?? '',
      hz: this.#recentTicks.rate(),
      age_p50_ms: this.#recentAges.percentile(0.5),
      age_p99_ms: this.#recentAges.percentile(0.99),
      holds: this.#holds,
      clamped: this.#clamped,
      episodes: this.#episodesDone,
      successes: this.#successes,
    };
  }

  /** Plays episodes until there are none, or `stop`. Throws what ended the session. */
  async run(): Promise<void> {
    let episode = this.#nextEpisode();
    if (episode === null || this.#stopped) return;
    const { connect, environment, statistics } = this.#options;
    const robot = await Robot.connect(
      { ...connect, instruction: episode.instruction, onEvent: (event) => this.#heard(event) },
      environment,
    );
    this.#robot = robot;
    try {
      while (episode !== null && !this.#stopped) {
        await this.#look(robot, episode);
        await this.#play(robot, episode);
        if (this.#stopped || episode.world.outcome === 'running') break;
        this.#finish(robot, episode);
        episode = this.#nextEpisode();
        if (episode !== null) robot.instruct(episode.instruction);
      }
    } finally {
      this.#robot = null;
      const { superseded } = robot.stats;
      const farewell = await robot.close();
      statistics.superseded += superseded + (farewell?.counters.superseded ?? 0);
    }
    if (this.#outage !== null) throw this.#outage;
  }

  stop(): void {
    this.#stopped = true;
    void this.#robot?.close();
  }

  #nextEpisode(): Episode | null {
    const seed = this.#options.episodes.take();
    if (seed === null) return null;
    const world = createWorld(seed);
    const eyes = new Eyes(this.#options.renderer, this.#options.blind, seed);
    this.#episode = { world, eyes, instruction: eyes.read(instructionOf(world)), begun: false };
    return this.#episode;
  }

  /** Tells the server that the world starts over: nothing that it planned for this episode may move the next. */
  #finish(robot: Robot, { world }: Episode): void {
    const success = world.outcome === 'success';
    this.#options.statistics.episode(world);
    this.#episodesDone += 1;
    if (success) this.#successes += 1;
    this.ticks.episodeBegan();
    this.#options.onEpisode({ success, task: world.goal.task, ticks: world.tick });
    robot.reset({ outcome: { success } });
  }

  async #play(robot: Robot, episode: Episode): Promise<void> {
    const { pacing, model, control_hz: hz } = robot.opened;
    // Lockstep gives a chunk whole; its second half is worse than a fresh look.
    const lookAfter = pacing === 'lockstep' ? model.chunk_size / 2 : 1;
    let sinceLook = 0;
    for await (const action of robot.actions()) {
      this.#count(action);
      this.#execute(episode, action);
      if (episode.world.outcome !== 'running' || this.#stopped) return;
      sinceLook += 1;
      if (sinceLook < lookAfter && action.kind === 'action' && (pacing !== 'lockstep' || action.remaining > 0))
        continue;
      // A hold in lockstep comes at once: asking again at once would spin.
      if (pacing === 'lockstep' && action.kind === 'hold') await this.#wait(1000 / hz);
      await this.#look(robot, episode);
      sinceLook = 0;
    }
  }

  /**
   * One tick. Before the policy has acted on this episode, a command can only be the braking tail of the one before: the
   * new arm stands where it stands.
   */
  #execute(episode: Episode, action: RobotAction): void {
    const { world } = episode;
    episode.begun ||= action.kind === 'action';
    const values = episode.begun ? action.values : Float64Array.of(0, 0, 0, 0, 0, 0, world.tool[GRIPPER] ?? 1);
    step(world, values);
    episode.eyes.moved(values);
  }

  #count(action: RobotAction): void {
    const now = this.#options.environment.now();
    this.#options.statistics.command(action);
    this.ticks.received(action.seq, now, action.local);
    this.#recentTicks.add(now);
    if (action.kind === 'hold') this.#holds += 1;
    if (action.clamped) this.#clamped += 1;
    if (action.ageMs !== null) this.#recentAges.add(action.ageMs);
  }

  /** Takes a picture of this moment and sends it. */
  async #look(robot: Robot, { world, eyes }: Episode): Promise<void> {
    if (this.#looking) return;
    this.#looking = true;
    try {
      const capturedAtMs = robot.now();
      const state = world.tool.slice();
      const { photograph } = this.#options;
      if (photograph === null) eyes.see(world, this.#frame);
      else photograph(world, this.#frame);
      const main =
        this.#options.frames === 'rgb8'
          ? { data: this.#frame, width: FRAME_SIZE, height: FRAME_SIZE }
          : await encodeJpeg(this.#frame);
      robot.observe({ images: { main }, state, capturedAtMs });
    } catch (error) {
      // A session that is over says why in the loop over its actions.
      if (!(error instanceof SinewError && error.code === 'resume_failed')) throw error;
    } finally {
      this.#looking = false;
    }
  }

  #heard(event: RobotEvent): void {
    const { environment, patient, onEvent } = this.#options;
    if (event.type === 'reconnecting') {
      this.#outageSinceMs ??= environment.now();
      if (!patient && environment.now() - this.#outageSinceMs > OUTAGE_MS) {
        this.#outage = event.error;
        this.stop();
      }
    }
    if (event.type === 'session') {
      this.#outageSinceMs = null;
      this.ticks.linkBegan();
      if (this.#robot !== null) this.#options.statistics.reconnects += 1;
      // A new session's ticks begin with its first observation, and no command comes before that.
      if (this.#robot !== null && this.#episode !== null && !event.resumed) {
        void this.#look(this.#robot, this.#episode).catch(() => this.stop());
      }
    }
    onEvent(event);
  }

  #wait(ms: number): Promise<void> {
    return new Promise((resolve) => this.#options.environment.setTimeout(resolve, ms));
  }
}
