/** The rules that are looked at, by the IDs that the design gives them, and in a few words what is held against them. */
export const RULES = {
  S2: 'one action or hold a tick, at its time, numbers strictly rising, each missing one accounted for',
  S3: 'a chunk begins with a tick that has not been executed, and goes on from the one before',
  S4: 'lockstep: one answer an observation, in order',
  S5: 'the newest observation is the one that is inferred from; each one is accounted for',
  S6: 'no inference from a stale observation, no action without a fresh one, none beyond its chunk',
  S7: 'only the right token resumes; the epoch rises by one, ticks go on, nothing from before is used',
  S8: 'no frame is sent into a full socket',
  S9: 'a drain ends in holds and closes everything in time',
  S10: 'nothing is left of what was closed',
  S11: 'one session a robot; an e-stop holds through resumes, restarts and new sessions until it is cleared',
  S12: 'a hold says the highest of its reasons',
  Q1: 'what went stale in the queue is not run',
  Q3: 'at most one request of a session in flight',
  Q5: 'a lost batch is tried once more, and no input more than that',
  J1: 'nothing that refers to a log_id leaves before its record was written; a kill loses nothing that was told, a power cut one group',
  J2: 'what a crash left is read up to the damage, in order',
  J4: 'with the journal full nothing new begins',
  J5: 'a gateway takes over what its predecessor left; log ids never go back',
  K1: 'everything sent is finite, of the right length, with the gripper in [0, 1]',
  K2: 'no robot leaves its workspace',
  K3: 'velocity, acceleration and jerk between emitted ticks stay within the limits in force',
  K5: 'what the policy answers that is no number never moves anything',
  K6: 'nothing moves after an e-stop until it is cleared',
  K10: 'the journal replays every tick bit for bit',
  W1: '`opened` is the first frame, and every frame can be decoded',
  fault: 'nothing throws that nobody caught',
} as const;

export type Rule = keyof typeof RULES;

export class Violation extends Error {
  override readonly name = 'Violation';
  readonly rule: Rule;

  constructor(rule: Rule, detail: string) {
    super(`${rule} (${RULES[rule]}): ${detail}`);
    this.rule = rule;
  }
}

/** Counts how often each rule was looked at, and keeps the first thing that broke one. */
export class RuleBook {
  readonly checked: Partial<Record<Rule, number>> = {};
  violation: Violation | null = null;

  /** `detail` is called only where `holds` is false. */
  check(rule: Rule, holds: boolean, detail: () => string): void {
    this.checked[rule] = (this.checked[rule] ?? 0) + 1;
    if (!holds) this.broken(rule, detail());
  }

  broken(rule: Rule, detail: string): void {
    this.violation ??= new Violation(rule, detail);
  }
}
