import { BASE_AXES, type DirectionFinding, DirectionWatch } from '@sinew/control';
import type { SessionProfile } from './profile.js';

/** What a session's robot is asked to do: the episode, the instruction in force, and whether it may be followed. */
export class Task {
  #episode = 0;
  #instruction: string;
  #refused = false;
  /** Null where an action is no step in space. */
  readonly #direction: DirectionWatch | null;

  constructor(profile: SessionProfile, instruction: string) {
    this.#instruction = instruction;
    const { description, bundle } = profile.model;
    this.#direction =
      description.action_space === 'ee_delta' && description.action.frame === 'base'
        ? new DirectionWatch(instruction, 2 * description.chunk_size, bundle.manifest.directions ?? BASE_AXES)
        : null;
  }

  get episode(): number {
    return this.#episode;
  }
  get instruction(): string {
    return this.#instruction;
  }
  /** The client asked for something that must not be done, and for nothing else since. */
  get refused(): boolean {
    return this.#refused;
  }

  refuse(): void {
    this.#refused = true;
  }

  /** Whatever was refused before it is over. */
  accept(instruction: string): void {
    this.#refused = false;
    if (instruction === this.#instruction) return;
    this.#instruction = instruction;
    this.#direction?.begin(instruction);
  }

  nextEpisode(): void {
    this.#episode++;
    this.#direction?.begin(this.#instruction);
  }

  /** Every tick that is sent, or planned to be. */
  moved(tick: number, values: Float64Array): void {
    this.#direction?.tick(tick, values);
  }

  /** R4: where it went against the words, at the end of an episode or of what was asked for in it; null where that is no mismatch. */
  mismatch(): DirectionFinding | null {
    const finding = this.#direction?.finding() ?? null;
    return finding?.mismatch === true ? finding : null;
  }
}
