import type { Outcome } from './world.js';

export interface Failure {
  readonly seed: number;
  readonly rule: string;
  readonly message: string;
}

/** What many seeds came to. Plain data: it travels between processes. */
export interface Tally {
  seeds: number;
  events: number;
  virtualMs: number;
  readonly faults: Record<string, number>;
  readonly checked: Record<string, number>;
  readonly failures: Failure[];
}

export function emptyTally(): Tally {
  return { seeds: 0, events: 0, virtualMs: 0, faults: {}, checked: {}, failures: [] };
}

export function count(tally: Tally, { checked, events, faults, seed, violation, virtualMs }: Outcome): void {
  tally.seeds++;
  tally.events += events;
  tally.virtualMs += virtualMs;
  sumInto(tally.faults, faults);
  sumInto(tally.checked, checked);
  if (violation !== null) tally.failures.push({ seed, rule: violation.rule, message: violation.message });
}

export function add(tally: Tally, more: Tally): void {
  tally.seeds += more.seeds;
  tally.events += more.events;
  tally.virtualMs += more.virtualMs;
  sumInto(tally.faults, more.faults);
  sumInto(tally.checked, more.checked);
  tally.failures.push(...more.failures);
}

function sumInto(sums: Record<string, number>, more: Readonly<Record<string, number>>): void {
  for (const [name, n] of Object.entries(more)) sums[name] = (sums[name] ?? 0) + n;
}
