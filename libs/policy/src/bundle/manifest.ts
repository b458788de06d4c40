import { ACTION_SPACES, BLENDS, SMOOTHINGS } from '@sinew/protocol';
import { z } from 'zod';
import { Normalization } from './normalization.js';

const name = z.string().min(1).max(128);
/** A file of the bundle, relative to its folder. Never absolute, never upwards: a manifest is downloaded data. */
export const BundlePath = z
  .string()
  .min(1)
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]*(\/[A-Za-z0-9][A-Za-z0-9._-]*)*$/, 'must be a path inside the bundle');
const index = z.number().int().nonnegative();

export const CameraSpec = z
  .strictObject({
    /** The camera's name on the wire. */
    name,
    /** The graph's input: [B, height, width, 3] (`nhwc`) or [B, 3, height, width] (`nchw`). */
    tensor: name,
    width: z.number().int().min(8).max(2048),
    height: z.number().int().min(8).max(2048),
    layout: z.enum(['nhwc', 'nchw']).default('nhwc'),
    dtype: z.enum(['uint8', 'float32']).default('uint8'),
    /**
     * What happens to a frame of another size. `stretch` ignores the aspect; `crop` cuts the longer side evenly;
     * `letterbox` keeps everything and pads with black; `exact` refuses the frame.
     */
    resize: z.enum(['stretch', 'crop', 'letterbox', 'exact']).default('stretch'),
    /** `float32` only: the tensor holds (pixel/255 − mean)/std per channel. */
    mean: z.tuple([z.number(), z.number(), z.number()]).default([0, 0, 0]),
    std: z.tuple([z.number().positive(), z.number().positive(), z.number().positive()]).default([1, 1, 1]),
  })
  .readonly();

export const StateSpec = z
  .strictObject({ tensor: name, dim: z.number().int().positive().max(256), names: z.array(name).readonly() })
  .refine((state) => state.names.length === state.dim, { message: 'one name an entry of the state', path: ['names'] })
  .readonly();

export const TextSpec = z
  .strictObject({
    tensor: name,
    dtype: z.enum(['int32', 'int64']).default('int32'),
    /** `words`: lower case, split at white space, looked up in `vocabulary`, padded with `pad` to `length`. */
    tokenizer: z.literal('words'),
    vocabulary: BundlePath,
    length: z.number().int().positive().max(4096),
    pad: z.string().default('<pad>'),
    unknown: z.string().default('<unk>'),
  })
  .readonly();

/**
 * The actions that will have been executed before a chunk can begin, which the graph continues (real-time chunking): float32
 * [B, chunk_size, action_dim] in the units of the output, and their weights [B, chunk_size], 1 where an action is certain.
 */
export const PrefixSpec = z.strictObject({ actions: name, weights: name }).readonly();

const PoseSpec = z.strictObject({
  position: z.tuple([index, index, index]),
  rotation: z.tuple([index, index, index]),
  gripper: index,
});

const Axis = z.enum(['+x', '-x', '+y', '-y', '+z', '-z']).transform((axis): readonly [number, number, number] => {
  const sign = axis[0] === '-' ? -1 : 1;
  return [axis[1] === 'x' ? sign : 0, axis[1] === 'y' ? sign : 0, axis[1] === 'z' ? sign : 0];
});

export const Manifest = z
  .strictObject({
    id: z.string().regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, 'must be lower case letters, digits, `.`, `_`, `-`'),
    version: z.string().min(1).max(64),
    license: z.string().min(1),
    description: z.string().optional(),
    action_space: z.enum(ACTION_SPACES),
    action_dim: z.number().int().positive().max(256),
    /** H: actions in one chunk. */
    chunk_size: z.number().int().positive().max(1000),
    control_hz: z.number().min(1).max(100),
    /** s, the execution horizon in ticks (control.md L2); half a chunk when absent. */
    execute: z.number().int().positive().optional(),
    blend: z.enum(BLENDS).default('latest'),
    smoothing: z.enum(SMOOTHINGS).optional(),
    action: z
      .strictObject({
        frame: z.enum(['base', 'tool']),
        rotation: z.enum(['euler_xyz', 'rotvec']),
        gripper: z.literal('absolute_0_closed_1_open'),
        pose: PoseSpec.nullable(),
        /** State entries that are the robot's joints, in its record's order; one more is the gripper. */
        joints: z.array(index).min(1).max(64).optional(),
      })
      .readonly(),
    /** Where forward, left and up point in the actions' base frame; absent: x forward, y left, z up (REP 103). */
    directions: z.strictObject({ forward: Axis, left: Axis, up: Axis }).readonly().optional(),
    graph: BundlePath,
    inputs: z
      .strictObject({
        cameras: z.array(CameraSpec).min(1).max(16).readonly(),
        state: StateSpec,
        text: TextSpec,
        prefix: PrefixSpec.optional(),
      })
      .readonly(),
    /** float32 [B, chunk_size, action_dim]. */
    output: z.strictObject({ tensor: name }).readonly(),
    normalization: z
      .strictObject({ state: Normalization, action: Normalization })
      .readonly()
      .default({ state: 'graph', action: 'graph' }),
    batch: z
      .strictObject({
        max: z.number().int().positive().max(256),
        /** Sizes warmed up before ready; powers of two up to `max` when absent. */
        sizes: z.array(z.number().int().positive()).min(1).readonly().optional(),
      })
      .readonly(),
    /** Robot types that the policy was trained for, of @sinew/robots. */
    embodiments: z.array(z.string()).min(1).readonly(),
    /** SHA-256 of every file that is loaded, by path. */
    sha256: z.record(BundlePath, z.string().regex(/^[0-9a-f]{64}$/, 'must be 64 lower-case hex digits')),
  })
  .readonly();

export type CameraSpec = z.infer<typeof CameraSpec>;
export type TextSpec = z.infer<typeof TextSpec>;
export type Manifest = z.infer<typeof Manifest>;

/** The sizes that are run once before the policy is ready: first-run cost is paid there (Q6). Ascending. */
export function warmUpSizes(batch: Manifest['batch'], max = batch.max): number[] {
  const sizes = new Set([1, max]);
  for (const size of batch.sizes ?? []) if (size < max) sizes.add(size);
  if (batch.sizes === undefined) for (let size = 2; size < max; size *= 2) sizes.add(size);
  return [...sizes].sort((a, b) => a - b);
}
