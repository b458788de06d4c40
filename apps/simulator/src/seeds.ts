/**
 * Episodes are named by a uint32 seed. The lower half is for whoever evaluates; training and its monitoring draw only
 * from the upper half, so no evaluation can meet an episode that the policy has learned from.
 */
const HALF = 2 ** 31;

/** Seed of episode `index` of a run that starts at `start`: (start + index) mod 2^31. */
export function evaluationSeed(start: number, index: number): number {
  return (start + index) % HALF;
}

/** Training's streams have a range each, of 2^28 episodes. */
const STREAMS = ['scattered', 'expert', 'learner', 'states', 'monitor'] as const;
export type TrainingStream = (typeof STREAMS)[number];

export function trainingSeed(stream: TrainingStream, index: number): number {
  return HALF + STREAMS.indexOf(stream) * 2 ** 28 + (index % 2 ** 28);
}
