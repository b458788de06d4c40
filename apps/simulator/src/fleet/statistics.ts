import type { RobotAction } from '@sinew/sdk';
import type { World } from '../table/world.js';
import { AgeHistogram } from './age-histogram.js';

export interface TaskCounts {
  readonly episodes: number;
  readonly successes: number;
}

/** Sums over all robots of a run. */
export class Statistics {
  readonly ages = new AgeHistogram();
  readonly holds: Record<string, number> = {};
  readonly tasks: Record<string, TaskCounts> = {};
  actions = 0;
  clamped = 0;
  episodes = 0;
  successes = 0;
  wrongLifts = 0;
  superseded = 0;
  reconnects = 0;

  command(action: RobotAction): void {
    if (action.kind === 'hold') {
      const reason = action.reason ?? 'unknown';
      this.holds[reason] = (this.holds[reason] ?? 0) + 1;
      return;
    }
    this.actions += 1;
    if (action.clamped) this.clamped += 1;
    if (action.ageMs !== null) this.ages.add(action.ageMs);
  }

  episode(world: World): void {
    const success = world.outcome === 'success' ? 1 : 0;
    const { episodes, successes } = this.tasks[world.goal.task] ?? { episodes: 0, successes: 0 };
    this.tasks[world.goal.task] = { episodes: episodes + 1, successes: successes + success };
    this.episodes += 1;
    this.successes += success;
    if (world.wrongLift) this.wrongLifts += 1;
  }
}
