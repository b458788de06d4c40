import { join } from 'node:path';
import { createMemoryState } from '@sinew/cache';
import { GATES, VALIDATORS } from '@sinew/contracts';
import { ControlLoop, type ControlSpec, type LimitsRequest, resolveLimits, StateCheck } from '@sinew/control';
import { BUILT_IN_BUNDLES, createOnnxBackend, loadBundle, type PolicyBackend } from '@sinew/policy';
import { findRobot, type RobotRecord } from '@sinew/robots';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ObservationGate } from '../session/observation-gate.js';
import { observation } from '../testing/test-gateway.js';
import { limitsRule } from './limits-rule.js';
import { refusedActionRule } from './refused-action.js';

// The rules of libs/contracts' table that are decided where contracts cannot look: control, policy, cache, gateway.

interface Case<T = never> {
  readonly check: (input: T) => string | null | Promise<string | null>;
  readonly accepts: readonly T[];
  readonly refuses: readonly T[];
}
const rule = <T>(definition: Case<T>): Case => definition as unknown as Case;

const panda = findRobot('franka_panda') as RobotRecord;
const HZ = 10;
const limited = (more: Partial<LimitsRequest>): string | null => {
  const result = resolveLimits({ robot: panda, actionSpace: 'ee_delta', mode: 'reduced', hz: HZ, ...more });
  return result.ok ? null : (limitsRule(result.field) ?? result.field);
};
const box = { min: [-0.5, -0.5, 0], max: [0.5, 0.5, 0.6] };

function specOf(mode: 'reduced' | 'full'): ControlSpec {
  const limits = resolveLimits({ robot: panda, actionSpace: 'ee_delta', mode, hz: HZ, workspace: box });
  if (!limits.ok) throw new Error(limits.reason);
  return {
    limits: limits.limits,
    actionSpace: 'ee_delta',
    dim: 7,
    chunkSize: 2,
    hz: HZ,
    execute: 1,
    blend: 'latest',
    smoothing: 'none',
    action: {
      frame: 'base',
      rotation: 'euler_xyz',
      gripper: 'absolute_0_closed_1_open',
      pose: { position: [0, 1, 2], rotation: [3, 4, 5], gripper: 6 },
    },
  };
}
const HOME = Float64Array.of(0, 0, 0.2, 0, 0, 0, 1);
const judged = (actions: readonly number[], mode: 'reduced' | 'full' = 'reduced', state = HOME): string | null => {
  const loop = new ControlLoop(specOf(mode));
  loop.observe(state, 0);
  const verdict = loop.judge({
    actions: Float32Array.from(actions),
    state,
    baseTick: 0,
    nextTick: 0,
    ref: 1,
  });
  return verdict.adopted ? null : refusedActionRule(verdict.reason);
};
const still = [0, 0, 0, 0, 0, 0, 1];
const step = (x: number, roll = 0): number[] => [x, 0, 0, roll, 0, 0, 1, ...still];

const MODEL = {
  id: 'm',
  version: '1',
  action_space: 'ee_delta' as const,
  action_dim: 7,
  chunk_size: 2,
  inputs: {
    cameras: [{ name: 'main', width: 96, height: 96 }],
    state: { dim: 7, names: ['x', 'y', 'z', 'r', 'p', 'w', 'g'] },
    text: { max_words: 16 },
  },
  action: specOf('reduced').action,
};

let backend: PolicyBackend;
let jpeg: Buffer;
const decodes = async (data: Uint8Array): Promise<string | null> => {
  const input = { images: { main: { kind: 'encoded', data } as const }, state: HOME, instruction: 'pick up the cube' };
  const [output] = (await backend.run(0, [input], 20_000)).outputs;
  return output?.ok === false ? (output.rule ?? output.reason) : null;
};

const CASES: Readonly<Record<string, Case>> = {
  'workspace.out_of_reach': rule({
    check: (workspace: LimitsRequest['workspace']) => limited({ workspace }),
    accepts: [box, undefined],
    refuses: [
      { min: [-5, -0.5, 0], max: [5, 0.5, 0.6] },
      { min: [0, 0, 0], max: [0, 1, 1] },
    ],
  }),
  'keep_out.not_kept': rule({
    check: (keepOut: LimitsRequest['keepOut']) => limited({ workspace: box, keepOut }),
    accepts: [[], [{ center: [0, 0, 0], radius: 0.1 }]],
    refuses: [[{ center: [0, 0, 0.3], radius: 5 }]],
  }),
  'limits.loosened': rule({
    check: (v: number) => limited({ tighten: { v } }),
    accepts: [0.1, 0.25],
    refuses: [0.3, 0, Number.NaN],
  }),
  'request_id.duplicate': rule({
    check: async (ids: string[]) => {
      const state = createMemoryState(() => 0);
      let last: string | null = null;
      for (const id of ids) last = GATES.duplicate((await state.dedup.claim('customer', id)).kind);
      await state.close();
      return last;
    },
    accepts: [['a'], ['a', 'b']],
    refuses: [
      ['a', 'a'],
      ['a', 'b', 'a'],
    ],
  }),
  'image.undecodable': rule({
    check: (cut: number) => decodes(jpeg.subarray(0, Math.round(jpeg.length * cut))),
    accepts: [1],
    refuses: [0.3, 0.6],
  }),
  'state.wrong_unit': rule({
    check: (state: number[]) =>
      new StateCheck(specOf('reduced')).fault(Float64Array.from(state)) === null ? null : 'state.wrong_unit',
    accepts: [[...HOME]],
    refuses: [
      [310, -40, 200, 0, 0, 0, 1],
      [0, 0, 0.2, 180, 0, 90, 1],
    ],
  }),
  'applied_seq.not_sent': rule({
    check: (applied_seq: number) =>
      new ObservationGate(MODEL, specOf('reduced')).check(observation(0, { applied_seq }), 0, 5)?.rule ?? null,
    accepts: [0, 4],
    refuses: [5, 100],
  }),
  'action.wrong_length': rule({
    check: (actions: number[]) => judged(actions),
    accepts: [[...still, ...still]],
    refuses: [still, [], [...still, ...still, 0]],
  }),
  'action.too_large': rule({
    check: ([actions, mode]: [number[], 'reduced' | 'full']) => judged(actions, mode),
    // 4·V/hz: V is 0.25 m/s in the reduced mode, but judged as 1.25; in the full mode the robot's own, 1.7 m/s or more.
    accepts: [
      [step(0.02), 'reduced'],
      [step(0.49), 'reduced'],
      [step(0.02, 1), 'full'],
    ],
    refuses: [
      [step(0.51), 'reduced'],
      [step(12), 'reduced'],
      [step(0, 3.2), 'reduced'],
      [step(1.2), 'full'],
    ],
  }),
  'safety_score.too_low': rule({
    check: (x: number) => judged([...step(x)], 'reduced', Float64Array.of(0.3, 0, 0.2, 0, 0, 0, 1)),
    accepts: [0.02],
    // Plausible by themselves, but far outside the box.
    refuses: [0.45, 0.49],
  }),
};

const elsewhere = VALIDATORS.filter(({ by }) => !/^(contracts|protocol): /.test(by)).map(({ id }) => id);

beforeAll(async () => {
  const bundle = await loadBundle(join(BUILT_IN_BUNDLES, 'tabletop-v1'));
  backend = createOnnxBackend({ bundle, threads: 1, maxBatch: 1 });
  await backend.start();
  const pixels = Buffer.from(Uint8Array.from({ length: 96 * 96 * 3 }, (_, i) => (i * 2654435761) >>> 24));
  jpeg = await sharp(pixels, { raw: { width: 96, height: 96, channels: 3 } })
    .jpeg()
    .toBuffer();
});
afterAll(() => backend.close());

test('each rule that contracts does not decide has cases here, and no case is left over', () => {
  expect(Object.keys(CASES).sort()).toEqual(elsewhere.sort());
});

describe.each(Object.entries(CASES))('%s', (id, { accepts, check, refuses }) => {
  test('lets something pass', async () => {
    expect(accepts.length).toBeGreaterThan(0);
    for (const input of accepts) expect(await check(input), JSON.stringify(input)).toBeNull();
  });

  test('refuses something, by this rule', async () => {
    expect(refuses.length).toBeGreaterThan(0);
    for (const input of refuses) expect(await check(input), JSON.stringify(input)).toBe(id);
  });
});
