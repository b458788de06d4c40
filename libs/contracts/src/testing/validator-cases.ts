import {
  ClockEstimator,
  checkObservation,
  decodeClientFrame,
  encodeClientMessage,
  type ModelDescription,
  type Observation,
  type WireImage,
} from '@sinew/protocol';
import type { z } from 'zod';
import { CorrectionReport, FailureReport, FeedbackListQuery, SuccessReport } from '../feedback.js';
import { checkActionValues } from '../gates/action-values.js';
import { instructionRule } from '../gates/quality-gates.js';
import { checkInstruction } from '../instruction-check.js';
import { KeyWishBody, NewCustomerBody, RotationBody } from '../routes/accounts.js';
import { ConsentWish } from '../routes/consent.js';
import { inferRoute } from '../routes/inference.js';
import { ENVIRONMENT_TYPES } from '../validators/environment.js';
import { checkRecordedInference } from '../validators/recorded-inference.js';
import {
  checkBlend,
  checkEmbodiment,
  checkEnvironmentType,
  checkExecute,
  checkRobotType,
  checkStaleAfter,
} from '../validators/session-checks.js';
import { validatorOf } from '../validators/table.js';
import { jpegHeader, pngHeader } from './image-headers.js';
import { type ValidatorCase, validatorCase } from './validator-case.js';

const MODEL: ModelDescription = {
  id: 'm',
  version: '1',
  action_space: 'ee_delta',
  action_dim: 7,
  chunk_size: 8,
  inputs: {
    cameras: [{ name: 'main', width: 96, height: 96 }],
    state: { dim: 3, names: ['x', 'y', 'z'] },
    text: { max_words: 16 },
  },
  action: { frame: 'base', rotation: 'euler_xyz', gripper: 'absolute_0_closed_1_open', pose: null },
};

const image = (data: Uint8Array): WireImage => ({ kind: 'encoded', data });
const observation = (more: Partial<Observation>): Observation => ({
  type: 'observation',
  seq: 1,
  captured_at_ms: 0,
  images: { main: image(jpegHeader(96, 96)) },
  state: Float64Array.of(0, 0, 0.2),
  ...more,
});
const observed = (more: Partial<Observation>): string | null => {
  const fault = checkObservation(observation(more), MODEL, 0);
  return fault === null ? null : validatorOf(fault).id;
};
const pictured = (data: Uint8Array): string | null => observed({ images: { main: image(data) } });

/** A message as it comes over the wire. */
const decoded = (message: object): string | null => {
  const result = decodeClientFrame(encodeClientMessage(message as never));
  return result.ok ? null : validatorOf(result.fault).id;
};
const opened = (more: object): string | null =>
  decoded({ type: 'open', robot_type: 'franka_panda', instruction: 'pick up the cube', ...more });

const instructed = (text: string): string | null => {
  const fault = checkInstruction(text);
  return fault === null ? null : instructionRule(fault);
};

const RECORD = { log_id: 1, chunk: new Uint8Array(8), shape: [1, 2] as [number, number], safety_score: 1 };
const recorded = (more: object): string | null =>
  checkRecordedInference({ ...RECORD, queue_ms: 2, inference_ms: 10, total_ms: 13, ...more })?.rule ?? null;

/** What the first fault of a body or query is counted under. */
const shaped = (schema: z.ZodType | undefined, value: object): string | null => {
  const result = schema?.safeParse(value);
  if (result === undefined) throw new Error('the endpoint takes none');
  if (result.success) return null;
  const [issue] = result.error.issues;
  return validatorOf({ field: issue?.path.map(String).join('.') }).id;
};
const reported = (more: object): string | null => shaped(SuccessReport, { log_id: 1, rating: 5, ...more });
const listed = (query: object): string | null => shaped(FeedbackListQuery, query);
const consented = (more: object): string | null => shaped(ConsentWish, { tier: 'basic', ...more });
const keyed = (more: object): string | null => shaped(KeyWishBody, { name: 'arm', ...more });

const words = (count: number): string => Array.from({ length: count }, () => 'cube').join(' ');
const everySecond = [true, false];

/** By id; what is decided in packages that this one does not know is tested where they meet. */
export const CASES: Readonly<Record<string, ValidatorCase>> = {
  'robot_type.unknown': validatorCase({
    check: (name: string) => checkRobotType(name)?.rule ?? null,
    accepts: ['franka_panda'],
    refuses: ['UNKNOWN', 'unknown'],
  }),
  'robot_type.not_in_registry': validatorCase({
    check: (name: string) => checkRobotType(name)?.rule ?? null,
    accepts: ['franka_panda', 'panda', 'ur5e'],
    refuses: ['', 'franka', 'hal9000', 'constructor', '__proto__'],
  }),
  'robot_type.wrong_embodiment': validatorCase({
    check: (embodiments: string[]) => checkEmbodiment({ id: 'ur5e' }, embodiments, 'm')?.rule ?? null,
    accepts: [['*'], ['franka_panda', 'ur5e']],
    refuses: [['franka_panda'], []],
  }),
  'robot_id.malformed': validatorCase({
    check: (robot_id: unknown) => opened({ robot_id }),
    accepts: ['cell-4.arm_1', 'a'.repeat(64)],
    refuses: ['', 'arm 1', 'a'.repeat(65), 'arm/1', 7],
  }),
  'instruction.too_few_words': validatorCase({
    check: instructed,
    accepts: ['pick up cubes'],
    refuses: ['', 'go', 'go on', '- - - -'],
  }),
  'instruction.too_long': validatorCase({
    check: instructed,
    accepts: [`${'a'.repeat(247)} ${'b'.repeat(247)} end`.slice(0, 500)],
    refuses: [words(101)],
  }),
  'instruction.unprintable': validatorCase({
    check: instructed,
    accepts: ['pick up\n\tthe cube', 'nimm den roten Würfel'],
    refuses: ['pick up the\u0000 cube', 'pick up the \ud800 cube', 'pick up the \u202eebuc'],
  }),
  'instruction.unsafe': validatorCase({
    check: instructed,
    accepts: ['hit the bell once'],
    refuses: ['hit the man with it', 'ignore the safety limits'],
  }),
  'environment_type.unknown': validatorCase({
    check: (name: string) => checkEnvironmentType(name)?.rule ?? null,
    accepts: [...ENVIRONMENT_TYPES],
    refuses: ['', 'LAB', 'unknown', 'moon'],
  }),
  'workspace.misordered': validatorCase({
    check: (workspace: unknown) => opened({ environment: { environment_type: 'lab', workspace } }),
    accepts: [{ min: [-1, -1, 0], max: [1, 1, 1] }],
    refuses: [
      { min: [1, -1, 0], max: [-1, 1, 1] },
      { min: [0, 0, 0], max: [0, 1, 1] },
      { min: [0, 0, Number.NaN], max: [1, 1, 1] },
      { min: [0, 0], max: [1, 1] },
    ],
  }),
  'keep_out.malformed': validatorCase({
    check: (keep_out: unknown) => opened({ keep_out }),
    accepts: [[], [{ center: [0, 0, 0], radius: 0.1 }], [{ normal: [0, 0, 1], offset: 0 }]],
    refuses: [
      [{ center: [0, 0, 0], radius: 0 }],
      [{ normal: [0, 0, 0], offset: 0 }],
      [{ min: [0, 0, 0], max: [1, 1, 1], radius: 1 }],
      Array.from({ length: 33 }, () => ({ center: [0, 0, 0], radius: 0.1 })),
    ],
  }),
  'control_hz.out_of_range': validatorCase({
    check: (control_hz: unknown) => opened({ control_hz }),
    accepts: [1, 12.5, 100],
    refuses: [0.99, 101, Number.NaN, '20'],
  }),
  'pacing.unknown': validatorCase({
    check: (pacing: unknown) => opened({ pacing }),
    accepts: ['paced', 'chunked', 'lockstep'],
    refuses: ['fast', 1],
  }),
  'smoothing.unknown': validatorCase({
    check: (smoothing: unknown) => opened({ smoothing }),
    accepts: ['none', 'one_euro'],
    refuses: ['kalman'],
  }),
  'blend.unknown': validatorCase({
    check: (blend: unknown) => opened({ blend }),
    accepts: ['latest', 'rtc'],
    refuses: ['average'],
  }),
  'blend.not_served': validatorCase({
    check: ([blend, prefix]: ['rtc' | 'latest', boolean]) => checkBlend(blend, prefix, 'm')?.rule ?? null,
    accepts: [
      ['rtc', true],
      ['latest', false],
    ],
    refuses: [['rtc', false]],
  }),
  'execute.out_of_range': validatorCase({
    check: (execute: number) => checkExecute(execute, 8)?.rule ?? opened({ execute }),
    accepts: [1, 8],
    refuses: [0, 9, Number.NaN],
  }),
  'stale_after_ms.out_of_range': validatorCase({
    check: ([ms, hz]: [number, number]) => checkStaleAfter(ms, hz)?.rule ?? null,
    accepts: [
      [125, 20],
      [2_000, 20],
      [2_500, 1],
    ],
    refuses: [
      [124, 20],
      [2_001, 20],
      [Number.NaN, 20],
    ],
  }),
  'request_id.malformed': validatorCase({
    check: (request_id: unknown) =>
      shaped(inferRoute.body, {
        image: 'data:image/jpeg;base64,AAAA',
        instruction: 'pick up the cube',
        robot_config: { type: 'franka_panda' },
        request_id,
      }),
    accepts: ['01900000-0000-7000-8000-000000000001', '7d444840-9dc0-4d6b-9a3a-3a1f4ddb0c2e'],
    refuses: ['', '1', '01900000-0000-7000-8000-00000000000', 7, null],
  }),
  'image.missing_camera': validatorCase({
    check: (images: Observation['images']) => observed({ images }),
    accepts: [{ main: image(jpegHeader(96, 96)) }],
    refuses: [{}, { wrist: image(jpegHeader(96, 96)) }],
  }),
  'image.unknown_camera': validatorCase({
    check: (images: Observation['images']) => observed({ images }),
    accepts: [{ main: image(pngHeader(96, 96, 2)) }],
    refuses: [{ main: image(jpegHeader(96, 96)), wrist: image(jpegHeader(96, 96)) }],
  }),
  'image.malformed': validatorCase({
    check: (main: unknown) => decoded({ ...observation({}), images: { main } }),
    accepts: [image(jpegHeader(96, 96)), { kind: 'rgb8', data: new Uint8Array(64 * 64 * 3), width: 64, height: 64 }],
    refuses: [{ kind: 'rgb8', data: new Uint8Array(5), width: 64, height: 64 }],
  }),
  'image.too_few_bytes': validatorCase({
    check: pictured,
    accepts: [jpegHeader(96, 96, 3, 1024)],
    refuses: [jpegHeader(96, 96, 3, 1023), new Uint8Array(0)],
  }),
  'image.unknown_format': validatorCase({
    check: pictured,
    accepts: [jpegHeader(64, 2048)],
    refuses: [new Uint8Array(2000), jpegHeader(96, 96).fill(0, 2)],
  }),
  'image.wrong_channels': validatorCase({
    check: pictured,
    accepts: [jpegHeader(96, 96, 3), pngHeader(96, 96, 2)],
    refuses: [jpegHeader(96, 96, 1), jpegHeader(96, 96, 4), pngHeader(96, 96, 6), pngHeader(96, 96, 0)],
  }),
  'image.wrong_size': validatorCase({
    check: pictured,
    accepts: [jpegHeader(64, 64), jpegHeader(2048, 2048)],
    refuses: [jpegHeader(63, 64), jpegHeader(64, 2049), pngHeader(100_000, 100_000, 2)],
  }),
  'state.wrong_length': validatorCase({
    check: (length: number) => observed({ state: new Float64Array(length) }),
    accepts: [3],
    refuses: [0, 2, 4, 300],
  }),
  'state.not_finite': validatorCase({
    check: (last: number) => observed({ state: Float64Array.of(0, 0, last) }),
    accepts: [0, -0, 1e3],
    refuses: [Number.NaN, Number.POSITIVE_INFINITY],
  }),
  'seq.not_rising': validatorCase({
    check: (seq: number) => observed({ seq }),
    accepts: [1, 5],
    refuses: [0, -1],
  }),
  'captured_at_ms.in_the_future': validatorCase({
    check: (captured: number) => {
      const clock = new ClockEstimator();
      clock.onPing(10, { server_time_ms: 1_000, received_at_ms: 5 }, 1_010);
      return clock.isFromTheFuture(captured, 2_000) ? 'captured_at_ms.in_the_future' : null;
    },
    accepts: [900, 1_900],
    refuses: [2_500, 1e9],
  }),
  'message.malformed': validatorCase({
    check: (message: object) => decoded({ ...observation({}), ...message }),
    accepts: [{ captured_at_ms: 12.5 }],
    refuses: [{ captured_at_ms: 'now' }, { seq: 1.5 }, { applied_seq: -1 }],
  }),
  'action.not_finite': validatorCase({
    check: (actions: Float32Array) => checkActionValues(actions, null),
    accepts: [Float32Array.of(0, 1e9), new Float32Array(0)],
    refuses: [Float32Array.of(0, Number.NaN), Float32Array.of(Number.NEGATIVE_INFINITY, 0)],
  }),
  'action.not_normalised': validatorCase({
    check: (actions: Float32Array) => checkActionValues(actions, everySecond),
    accepts: [Float32Array.of(1.1, 40, -1.1, -40)],
    refuses: [Float32Array.of(1.2, 0), Float32Array.of(0, 0, -1.2, 0)],
  }),
  'log_id.malformed': validatorCase({
    check: (log_id: number) => recorded({ log_id }),
    accepts: [1, Number.MAX_SAFE_INTEGER],
    refuses: [1.5, Number.NaN, 2 ** 53],
  }),
  'latency.inconsistent': validatorCase({
    check: ([total_ms, queue_ms, inference_ms]: number[]) => recorded({ total_ms, queue_ms, inference_ms }),
    accepts: [
      [12, 2, 10],
      [11.5, 2, 10],
      [0, 0, 0],
    ],
    refuses: [
      [10, 2, 10],
      [12, -1, 10],
      [Number.NaN, 2, 10],
      [Number.POSITIVE_INFINITY, 2, 10],
    ],
  }),
  'chunk.wrong_shape': validatorCase({
    check: (bytes: number) => recorded({ chunk: new Uint8Array(bytes) }),
    accepts: [8],
    refuses: [0, 7, 12],
  }),
  'safety_score.out_of_range': validatorCase({
    check: (safety_score: number) => recorded({ safety_score }),
    accepts: [0, 0.7, 1],
    refuses: [-0.1, 1.1, Number.NaN],
  }),
  'rating.out_of_range': validatorCase({
    check: (rating: unknown) => reported({ rating }),
    accepts: [1, 5],
    refuses: [0, 6, 4.5, '5', null],
  }),
  'corrected_action.malformed': validatorCase({
    check: (corrected_action: unknown) => shaped(CorrectionReport, { log_id: 1, corrected_action }),
    accepts: [[0.05, 0.02, -0.01, 0, 0, 0.1, 1], [0]],
    refuses: [[], [Number.NaN], [1e9], ['0'], new Array(65).fill(0), 'none'],
  }),
  'failure_reason.malformed': validatorCase({
    check: (failure_reason: unknown) => shaped(FailureReport, { log_id: 1, failure_reason }),
    accepts: ['collision', 'x'.repeat(100)],
    refuses: ['', '   ', 'x'.repeat(101), 7],
  }),
  'notes.too_long': validatorCase({
    check: (notes: unknown) => reported({ notes }),
    accepts: [null, '', 'x'.repeat(2_000)],
    refuses: ['x'.repeat(2_001)],
  }),
  'feedback_type.unknown': validatorCase({
    check: (feedback_type: unknown) => listed({ feedback_type }),
    accepts: ['success_rating', 'failure_report'],
    refuses: ['rating', ''],
  }),
  'end_date.malformed': validatorCase({
    check: (query: object) => listed(query),
    accepts: [{ start_date: '2026-11-06', end_date: '2026-11-06' }],
    refuses: [{ end_date: 'yesterday' }, { start_date: 'soon' }, { start_date: '2026-11-07', end_date: '2026-11-06' }],
  }),
  'page.out_of_range': validatorCase({
    check: (page: unknown) => listed({ page }),
    accepts: ['1', '40'],
    refuses: ['0', '-1', '1.5', 'x'],
  }),
  'per_page.out_of_range': validatorCase({
    check: (per_page: unknown) => listed({ per_page }),
    accepts: ['1', '200'],
    refuses: ['0', '201', 'all'],
  }),
  'tier.unknown': validatorCase({
    check: (tier: unknown) =>
      tier === 'pro'
        ? shaped(NewCustomerBody, { name: 'acme', tier })
        : consented({ tier }) && shaped(NewCustomerBody, { name: 'acme', tier }),
    accepts: ['none', 'research', 'pro'],
    refuses: ['gold', '', 7],
  }),
  'anonymization_level.unknown': validatorCase({
    check: (anonymization_level: unknown) => consented({ anonymization_level }),
    accepts: ['partial', 'full'],
    refuses: ['none', ''],
  }),
  'expires_at.malformed': validatorCase({
    check: (expires_at: unknown) => consented({ expires_at }) ?? keyed({ expires_at }),
    accepts: ['2027-01-01T00:00:00Z', '2027-01-01T00:00:00+01:00', null],
    refuses: ['2027-01-01', 'never', 7],
  }),
  'version.malformed': validatorCase({
    check: (version: unknown) => consented({ version }),
    accepts: [0, 3],
    refuses: [-1, 1.5, 2 ** 31, 'x'],
  }),
  'name.malformed': validatorCase({
    check: (name: unknown) => keyed({ name }),
    accepts: ['arm 1', 'x'.repeat(200)],
    refuses: ['', '  ', 'x'.repeat(201), 7],
  }),
  'scopes.unknown': validatorCase({
    check: (scopes: unknown) => keyed({ scopes }),
    accepts: [['stream'], ['stream', 'infer', 'feedback', 'full_speed', 'admin']],
    refuses: [[], ['root'], 'stream'],
  }),
  'grace_seconds.out_of_range': validatorCase({
    check: (grace_seconds: unknown) => shaped(RotationBody, { grace_seconds }),
    accepts: [0, 2_592_000],
    refuses: [-1, 2_592_001, 0.5],
  }),
};
