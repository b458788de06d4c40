import { createHash } from 'node:crypto';
import type { KeyIdentity } from '@sinew/db';
import type { FreshOpen } from '@sinew/protocol';
import type { Random } from './random.js';
import type { DiskWeather } from './virtual-disk.js';
import type { PolicyWeather } from './virtual-policy.js';
import type { Mischief, RobotCharacter } from './virtual-robot.js';

/** What is done to the gateway from outside, and when. */
export type Blow =
  | { readonly atMs: number; readonly what: 'freeze'; readonly forMs: number }
  | { readonly atMs: number; readonly what: 'kill' | 'power cut' | 'drain' }
  | { readonly atMs: number; readonly what: 'wall clock jumps'; readonly byMs: number }
  | {
      readonly atMs: number;
      readonly what: 'disk changes';
      readonly weather: Partial<DiskWeather>;
      readonly forMs: number;
    }
  | {
      readonly atMs: number;
      readonly what: 'policy changes';
      readonly weather: Partial<PolicyWeather>;
      readonly forMs: number;
    }
  | { readonly atMs: number; readonly what: 'database away'; readonly forMs: number }
  | { readonly atMs: number; readonly what: 'key revoked'; readonly key: string };

export interface Scenario {
  /** Faults end then, and everything must come to rest. */
  readonly lengthMs: number;
  readonly robots: readonly RobotCharacter[];
  readonly keys: Map<string, KeyIdentity>;
  readonly blows: readonly Blow[];
  readonly disk: Partial<DiskWeather>;
  /** Changed by blows. */
  readonly policy: PolicyWeather;
  readonly policyShape: { readonly slots: number; readonly depth: number; readonly maxBatch: number };
  readonly batchWindowMs: number;
  readonly batchDeadlineMs: number;
  readonly budgetBytes: number;
  readonly segmentBytes: number;
  readonly database: { readonly meanMs: number; awayUntilMs: number };
  readonly consents: ReadonlyMap<string, unknown>;
  readonly horizon: 'fixed' | 'adaptive';
}

const CUSTOMERS = ['01900000-0000-7000-8000-000000000001', '01900000-0000-7000-8000-000000000002'];
const KEYS = ['vla_live_simulated-key-00000000000000000001', 'vla_live_simulated-key-00000000000000000002'];

export const hashOf = (key: string): string => createHash('sha256').update(key).digest('hex');

/**
 * Draws a world. Not everything goes wrong everywhere: most seeds have a few kinds of fault, often, so that one does not
 * hide what another would have shown.
 */
export function scenarioOf(random: Random): Scenario {
  const lengthMs = random.between(900, 3_200);
  const robots = Array.from({ length: random.int(1, 3) }, (_, index) => characterOf(random, index));
  const sometimes = <T>(probability: number, make: () => T[]): T[] => (random.chance(probability) ? make() : []);
  const at = (): number => random.between(200, lengthMs);
  const several = <T>(most: number, make: () => T): T[] => Array.from({ length: random.int(1, most) }, make);
  const blows: Blow[] = [
    ...sometimes(0.3, () => several(3, (): Blow => ({ atMs: at(), what: 'freeze', forMs: freezeMs(random) }))),
    ...sometimes(0.3, () => several(2, (): Blow => ({ atMs: at(), what: random.pick(['kill', 'kill', 'power cut']) }))),
    ...sometimes(0.15, (): Blow[] => [{ atMs: at(), what: 'drain' }]),
    ...sometimes(0.25, () =>
      several(3, (): Blow => ({ atMs: at(), what: 'wall clock jumps', byMs: random.pick([-1, 1]) * jumpMs(random) })),
    ),
    ...sometimes(0.3, () =>
      several(2, (): Blow => {
        const weather = badDisk(random);
        const forMs = random.exponential(600);
        const atMs = at();
        // A hang is an hour of the world's clock; the others are ways of answering.
        const hangs = weather.hangsUntilMs === undefined ? weather : { hangsUntilMs: atMs + forMs };
        return { atMs, what: 'disk changes', weather: hangs, forMs };
      }),
    ),
    ...sometimes(0.35, () =>
      several(
        2,
        (): Blow => ({
          atMs: at(),
          what: 'policy changes',
          weather: badPolicy(random),
          forMs: random.exponential(800),
        }),
      ),
    ),
    ...sometimes(0.15, (): Blow[] => [{ atMs: at(), what: 'database away', forMs: random.exponential(2_000) }]),
    ...sometimes(0.04, (): Blow[] => [{ atMs: at(), what: 'key revoked', key: random.pick(KEYS) }]),
  ];
  return {
    lengthMs,
    robots,
    keys: keysOf(),
    blows: blows.sort((a, b) => a.atMs - b.atMs),
    disk: {
      meanMs: random.pick([0.02, 0.1, 1]),
      syncMs: random.pick([0.5, 3, 20]),
      shortWrite: random.pick([0, 0.05]),
    },
    policy: {
      fixedMs: random.pick([1, 8, 30]),
      perInputMs: random.pick([0.5, 3]),
      crashes: 0,
      crashesUnbegun: 0,
      hangs: 0,
      errors: 0,
      notFinite: 0,
      wrongLength: 0,
      wild: random.pick([0, 0.05]),
      replacedMs: random.pick([20, 200]),
    },
    policyShape: { slots: random.int(1, 2), depth: random.int(1, 2), maxBatch: random.pick([1, 2, 8]) },
    batchWindowMs: random.pick([0, 0, 5]),
    batchDeadlineMs: random.pick([150, 400]),
    budgetBytes: random.chance(0.1) ? random.int(15_000, 60_000) : 64 * 1024 * 1024,
    segmentBytes: random.pick([8_192, 65_536, 1_048_576]),
    database: { meanMs: random.pick([0.5, 10]), awayUntilMs: 0 },
    consents: new Map(),
    horizon: random.pick(['adaptive', 'adaptive', 'fixed'] as const),
  };
}

const freezeMs = (random: Random): number =>
  random.chance(0.3) ? random.between(1_000, 6_000) : random.exponential(250);
const jumpMs = (random: Random): number => random.pick([5, 900, 3_600_000]) * random.unit();

function badDisk(random: Random): Partial<DiskWeather> {
  switch (random.int(0, 4)) {
    case 0:
      return { full: true };
    case 1:
      return { writeFails: random.pick([0.3, 1]) };
    case 2:
      return { syncFails: random.pick([0.3, 1]) };
    case 3:
      return { hangsUntilMs: 0 };
    default:
      return { meanMs: 20, syncMs: 150, shortWrite: 0.5 };
  }
}

function badPolicy(random: Random): Partial<PolicyWeather> {
  const chance = random.pick([0.1, 0.5, 1]);
  return random.pick([
    { crashes: chance },
    { crashesUnbegun: chance },
    { hangs: chance },
    { errors: chance },
    { notFinite: chance },
    { wrongLength: chance },
    { wild: chance },
    { fixedMs: 300 },
  ]);
}

function characterOf(random: Random, index: number): RobotCharacter {
  const customer = random.int(0, 1);
  const rate = (probability: number, aSecond: number): number =>
    random.chance(probability) ? aSecond * random.unit() : 0;
  const mischief: Mischief = {
    estop: rate(0.35, 1.5),
    instruction: rate(0.3, 1),
    refusedInstruction: rate(0.2, 0.7),
    reset: rate(0.3, 1),
    badObservation: rate(0.3, 3),
    badFrame: rate(0.1, 0.5),
    lookAway: rate(0.3, 0.7),
    close: rate(0.1, 0.4),
    cut: rate(0.3, 0.8),
    halfOpen: rate(0.1, 0.4),
    stall: rate(0.2, 0.7),
    slow: rate(0.1, 0.4),
    takeOver: rate(0.1, 0.5),
    secondOpen: rate(0.1, 0.5),
    burst: rate(0.1, 0.7),
  };
  return {
    index,
    key: KEYS[customer] as string,
    customerId: CUSTOMERS[customer] as string,
    open: openOf(random, index),
    looks: random.pick([1, 1, 0.5, 2]),
    tellsApplied: random.chance(0.6),
    pings: random.chance(0.5),
    clockAheadMs: random.pick([0, -5_000, 1e6, 1e12]) * random.unit(),
    clockDrift: random.pick([0, 1e-4, -1e-4]),
    mischief,
    line: {
      delayMs: random.pick([0.2, 2, 20]),
      jitterMs: random.pick([0.1, 3, 20]),
      readsBytesAMs: 1_000,
    },
  };
}

function openOf(random: Random, index: number): FreshOpen {
  const pacing = random.pick(['paced', 'paced', 'paced', 'chunked', 'lockstep'] as const);
  const control_hz = random.pick([5, 10, 10, 20, 30]);
  return {
    type: 'open',
    robot_type: 'franka_panda',
    instruction: 'pick up the red cube',
    robot_id: `arm-${index}`,
    pacing,
    control_hz,
    environment: { environment_type: 'lab', workspace: { min: [-0.5, -0.5, 0], max: [0.5, 0.5, 0.6] } },
    ...(random.chance(0.3) ? { execute: random.int(1, 8) } : {}),
    ...(random.chance(0.3) ? { blend: random.pick(['weighted', 'temporal_ensemble', 'latest'] as const) } : {}),
    ...(random.chance(0.3)
      ? { smoothing: random.pick(['ema', 'one_euro', 'jerk_limited', 'butterworth2'] as const) }
      : {}),
    ...(random.chance(0.2) ? { stale_after_ms: random.between(2.6, 4) * (1_000 / control_hz) } : {}),
    ...(random.chance(0.2) ? { limits: { v: 0.15, a: 1.5 } } : {}),
  };
}

function keysOf(): Map<string, KeyIdentity> {
  return new Map(
    KEYS.map((key, i) => [
      hashOf(key),
      {
        key_id: `01900000-0000-7000-8000-0000000000a${i}`,
        customer_id: CUSTOMERS[i] as string,
        tier: 'enterprise',
        scopes: ['stream', 'infer'],
        expires_at: null,
        revoked_at: null,
        customer_active: true,
        limits: null,
        is_operator: false,
      },
    ]),
  );
}
