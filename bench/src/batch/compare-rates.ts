import { median, round3 } from '../stats/median.js';
import type { Rate } from './saturate.js';

/** Inferences per second of policy-thread CPU time, and of wall time. */
export interface Speed {
  readonly per_cpu_s: number | null;
  readonly per_wall_s: number;
}

export interface Round {
  readonly bare: Speed;
  readonly served: Speed;
  /** Served over bare by the time of the policy threads: what the main thread does for them is not in it, as in the next it is. */
  readonly cpu_ratio: number | null;
  readonly wall_ratio: number;
}

export function speed({ inferences, wallMs, cpuMs }: Rate): Speed {
  return {
    per_cpu_s: cpuMs === null ? null : round3((inferences * 1_000) / cpuMs),
    per_wall_s: round3((inferences * 1_000) / wallMs),
  };
}

/** Both were measured one right after the other, so that a noisy machine treats them alike. */
export function compareRates(bare: Rate, served: Rate): Round {
  const cpu =
    bare.cpuMs === null || served.cpuMs === null
      ? null
      : served.inferences / served.cpuMs / (bare.inferences / bare.cpuMs);
  return {
    bare: speed(bare),
    served: speed(served),
    cpu_ratio: cpu === null ? null : round3(cpu),
    wall_ratio: round3(served.inferences / served.wallMs / (bare.inferences / bare.wallMs)),
  };
}

/** The middle of all rounds: one that was disturbed does not move it. */
export function medianRatios(rounds: readonly Round[]): { cpu_ratio: number | null; wall_ratio: number } {
  const cpu = rounds.map(({ cpu_ratio }) => cpu_ratio).filter((ratio) => ratio !== null);
  return {
    cpu_ratio: cpu.length === rounds.length ? round3(median(cpu)) : null,
    wall_ratio: round3(median(rounds.map(({ wall_ratio }) => wall_ratio))),
  };
}
