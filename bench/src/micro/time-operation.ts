import { median } from '../stats/median.js';

export interface Timing {
  readonly name: string;
  readonly median_ns: number;
  readonly best_ns: number;
  /** Each round's ns. */
  readonly rounds_ns: readonly number[];
  /** Operations a round. */
  readonly operations: number;
}

/** Runs the operation `count` times. */
export type Operation = (count: number) => void | Promise<void>;

/** Doubles the count until a round takes `roundMs`, which also warms up, then measures `rounds` rounds. */
export async function timeOperation(
  name: string,
  operation: Operation,
  rounds: number,
  roundMs: number,
  clock: () => number = () => performance.now(),
): Promise<Timing> {
  const time = async (count: number): Promise<number> => {
    const beginMs = clock();
    await operation(count);
    return clock() - beginMs;
  };
  let count = 16;
  while ((await time(count)) < roundMs) count *= 2;
  const samples: number[] = [];
  for (let round = 0; round < rounds; round++) samples.push(((await time(count)) * 1e6) / count);
  return {
    name,
    median_ns: Math.round(median(samples)),
    best_ns: Math.round(Math.min(...samples)),
    rounds_ns: samples.map((ns) => Math.round(ns)),
    operations: count,
  };
}
