import { ACTION_SPACES, WIRE_LIMITS } from '@sinew/protocol';
import { z } from 'zod';
import { EXAMPLE_IMAGE } from './example-image.js';
import { route } from './route-contract.js';
import { LogId, Vector3 } from './shapes.js';

/** A base64 image of the largest frame, and its JSON around it. */
const MAX_BODY_BYTES = 6_000_000;

/** Of a kilobyte in base64 behind its head; the picture itself is judged by its bytes. */
const LEAST_IMAGE_CHARS = Math.floor((WIRE_LIMITS.minEncodedImageBytes * 4) / 3);

export const InferenceRequest = z.strictObject({
  /** Without it the gateway's default policy. */
  model: z.string().max(100).optional(),
  image: z
    .string()
    .regex(/^data:image\/(jpeg|png|webp);base64,/, 'must be a data URL of a JPEG, PNG or WebP image')
    .meta({ minLength: LEAST_IMAGE_CHARS }),
  instruction: z.string(),
  robot_config: z.strictObject({
    type: z.string().max(100),
    workspace: z
      .strictObject({ min: Vector3, max: Vector3 })
      .refine(({ min, max }) => min.every((low, axis) => low < (max[axis] ?? low)), 'min must lie below max')
      .optional(),
  }),
  /** What the robot measures, as `GET /v1/models` names it under `inputs.state`; every policy that has such names needs it. */
  state: z.array(z.number()).max(256).optional(),
  request_id: z.guid().optional(),
});
export type InferenceRequest = z.infer<typeof InferenceRequest>;

export const InferenceAnswer = z.object({
  request_id: z.guid(),
  log_id: LogId,
  model: z.string(),
  action: z.object({ type: z.enum(['7dof', ...ACTION_SPACES]), values: z.array(z.number()) }),
  /** The whole governed chunk, one row a control tick; its first row is `action.values`. */
  chunk: z.array(z.array(z.number())),
  safety: z.object({
    overall_score: z.number().min(0).max(1),
    checks_passed: z.int().nonnegative(),
    flags: z.array(z.string()),
    clamped: z.boolean(),
  }),
  performance: z.object({ latency_ms: z.number(), queue_wait_ms: z.number(), inference_ms: z.number() }),
});

export const inferRoute = route({
  operation: 'infer',
  example: {
    body: {
      model: 'tabletop-v1',
      image: EXAMPLE_IMAGE,
      instruction: 'pick up the red cube',
      robot_config: { type: 'franka_panda', workspace: { min: [-0.5, -0.5, 0], max: [0.5, 0.5, 0.6] } },
      state: [0.4, 0, 0.3, 0, 0, 0, 1],
    },
    answer: {
      request_id: '019a5b1e-7c3a-7b5e-9a55-0d3f2c1b4a60',
      log_id: 219300012345678,
      model: 'tabletop-v1',
      action: { type: '7dof', values: [0.01, -0.004, 0.012, 0, 0, 0.01, 1] },
      chunk: [
        [0.01, -0.004, 0.012, 0, 0, 0.01, 1],
        [0.011, -0.004, 0.012, 0, 0, 0.01, 1],
      ],
      safety: { overall_score: 0.95, checks_passed: 4, flags: [], clamped: false },
      performance: { latency_ms: 31.2, queue_wait_ms: 0.4, inference_ms: 24.7 },
    },
  },
  method: 'post',
  path: '/v1/inference',
  tag: 'Inference',
  summary: 'One observation, one governed action chunk',
  description:
    'For tools and trials; robots that move use the stream at `/v1/stream`. The observation passes the same gates, ' +
    'scheduler, safety governor and journal as a session, and the chunk begins at rest.\n\n' +
    'A `request_id` of the client’s own is served once: the same request again within a minute is answered as before, word ' +
    'for word, with the header `Idempotent-Replayed: true`; another request under it, and any while the first one runs or ' +
    'until five minutes after its answer, is `duplicate` (409). What was refused before it ran may be corrected and sent again under the same id.',
  access: { kind: 'key', scope: 'infer' },
  body: InferenceRequest,
  maxBodyBytes: MAX_BODY_BYTES,
  answers: { 200: { description: 'What to do, and how safe it is.', schema: InferenceAnswer } },
  errors: [
    'unknown_robot',
    'unknown_model',
    'capacity',
    'unavailable',
    'draining',
    'journal_full',
    'model_error',
    'rate_limited',
    'duplicate',
    'quota_exceeded',
  ],
});
