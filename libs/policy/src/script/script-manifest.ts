import { z } from 'zod';
import { BundlePath, Manifest } from '../bundle/manifest.js';
import { withoutGraph } from '../bundle/without-graph.js';

const fields = Manifest.unwrap().shape;
const name = z.string().min(1).max(128);

/**
 * The `policy.json` of a bundle that plays a file. What a client is told stands in it as in any other; what only a graph needs
 * (tensors, tokenizer, normalisation, batch) does not.
 */
export const ScriptManifest = z
  .strictObject({
    backend: z.literal('script'),
    id: fields.id,
    version: fields.version,
    license: fields.license,
    description: fields.description,
    action_space: fields.action_space,
    action_dim: fields.action_dim,
    chunk_size: fields.chunk_size,
    control_hz: fields.control_hz,
    execute: fields.execute,
    blend: fields.blend,
    smoothing: fields.smoothing,
    action: fields.action,
    inputs: z.strictObject({
      /** What clients must send; none: observations carry no images. Pixels are not looked at. */
      cameras: z
        .array(
          z.strictObject({ name, width: z.number().int().min(8).max(2048), height: z.number().int().min(8).max(2048) }),
        )
        .max(16)
        .default([]),
      state: z
        .strictObject({ dim: z.number().int().positive().max(256), names: z.array(name) })
        .refine((state) => state.names.length === state.dim, {
          message: 'one name an entry of the state',
          path: ['names'],
        }),
    }),
    script: z.strictObject({
      /** The file of actions: `.json`, `.jsonl` or `.f32`. */
      actions: BundlePath,
      loop: z.boolean().default(true),
      latency_ms: z.number().min(0).max(10_000).default(0),
    }),
    /** Robot types of @sinew/robots, or `*`. */
    embodiments: fields.embodiments,
    sha256: fields.sha256,
  })
  .readonly();
export type ScriptManifest = z.infer<typeof ScriptManifest>;

const MAX_BATCH = 64;

/** The same as a manifest of any policy, so that nothing else need know of scripts. */
export function asManifest(manifest: ScriptManifest): Manifest {
  const { backend: _, script: __, inputs, ...common } = manifest;
  const cameras = inputs.cameras.map((camera) => ({ ...camera, layout: 'nhwc' as const, resize: 'stretch' as const }));
  return { ...common, ...withoutGraph(cameras, inputs.state), batch: { max: MAX_BATCH } };
}
