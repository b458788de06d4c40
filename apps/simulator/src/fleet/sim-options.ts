import type { Blend, Smoothing } from '@sinew/protocol';
import type { Environment, RobotEvent } from '@sinew/sdk';
import type { Blind } from '../camera/eyes.js';
import type { Task, World } from '../table/world.js';
import type { RobotStatus } from './robot-status.js';
import type { TaskCounts } from './statistics.js';

export interface SimOptions {
  /** Address of the gateway, `ws://` or `http://`. */
  readonly url: string;
  readonly apiKey: string;
  readonly robots: number;
  /** Shared by all robots; Infinity runs until `signal`. */
  readonly episodes: number;
  /** First episode's seed, 0 … 2^31 − 1. */
  readonly seed: number;
  /** Control rate; the policy's own where absent. */
  readonly hz?: number;
  readonly pacing?: 'paced' | 'chunked' | 'lockstep';
  /** What the robots speak: `openpi` is lockstep whatever `pacing` says, and knows no delay and no blend. `sinew.v1` where absent. */
  readonly wire?: 'sinew.v1' | 'openpi';
  /** PEM, trusted beside the known authorities by what does not go through `environment`: the openpi wire. */
  readonly tlsCa?: string | null;
  /** The policy, and how its chunks become actions; the server's choice where absent. */
  readonly model?: string;
  readonly execute?: number;
  readonly blend?: Blend;
  readonly smoothing?: Smoothing;
  /** Holds back every frame to the server by so much. */
  readonly delayMs?: number;
  readonly blind?: Blind | null;
  /** How pictures are sent: `jpeg` as cameras do (where absent), or `rgb8`, which costs nobody the coding. */
  readonly frames?: 'jpeg' | 'rgb8';
  /** Fills each frame in the camera's place, for `frames` `rgb8`; `world` changes with the next tick. */
  readonly photograph?: (world: World, frame: Uint8Array) => void;
  /** Robot `i` is called `name-i`; by default a name of this process, so that two runs do not meet. */
  readonly name?: string;
  readonly signal?: AbortSignal;
  /** Called about once a second with every robot's numbers. */
  readonly onStatus?: (robots: RobotStatus[]) => void;
  /** Trouble that the run survives: links lost and found, refusals. */
  readonly onEvent?: (robot: string, event: RobotEvent) => void;
  /** An episode is over. */
  readonly onEpisode?: (robot: string, episode: FinishedEpisode) => void;
  /** Clock, timers and sockets; the host's where absent. */
  readonly environment?: Environment;
}

export interface FinishedEpisode {
  readonly success: boolean;
  readonly task: Task;
  /** Control ticks that it took, holds among them. */
  readonly ticks: number;
}

/** What a run measured, as its own clients saw it. */
export interface SimReport {
  readonly robots: number;
  readonly seed: number;
  readonly wire: 'sinew.v1' | 'openpi';
  readonly delay_ms: number;
  readonly blind: Blind | null;
  readonly seconds: number;
  readonly episodes: number;
  readonly success_rate: number;
  /** Its 95 % interval (Wilson). */
  readonly success_95: readonly [number, number];
  readonly by_task: Readonly<Record<string, TaskCounts & { success_rate: number }>>;
  /** Episodes in which a cube was lifted that the instruction does not name. */
  readonly wrong_lifts: number;
  /** Control ticks a second, mean over the robots. */
  readonly tick_hz: number;
  readonly actions: number;
  /** Age of the observation behind each action at its arrival, by the robot's clock. */
  readonly age_ms: { readonly p50: number; readonly p99: number };
  /** Ticks for which nothing came. */
  readonly missed_ticks: number;
  readonly holds: Readonly<Record<string, number>>;
  /** Share of the actions that the governor changed. */
  readonly clamped_rate: number;
  /** Observations that a newer one replaced before they were used, here or at the server. */
  readonly superseded: number;
  /** Outages that ended in a session, the old one or another. */
  readonly reconnects: number;
}
