import { z } from 'zod';
import type * as wire from '../client-messages.js';
import { BLENDS, PACINGS, SAFETY_MODES, SMOOTHINGS, WIRE_LIMITS } from '../vocabulary.js';

// The shapes a client may send. Cold messages are parsed with these; `observation` and `ping`, which come every tick, are
// read by hand (decode-observation.ts) and the schema is their documentation and the oracle of their test.

/** Beyond 2^53 JavaScript cannot tell neighbours apart, so no number of the wire may be there; W0. */
const real = z.number().min(-Number.MAX_SAFE_INTEGER).max(Number.MAX_SAFE_INTEGER);
const integer = z.int();
const positive = real.positive();
const vector3 = z.tuple([real, real, real]);
const corners = { min: vector3, max: vector3 };
const ordered = ({ min, max }: { min: number[]; max: number[] }): boolean =>
  min.every((low, axis) => low < (max[axis] ?? low));
const misordered = { message: 'min must lie below max' };
const box = z.object(corners).refine(ordered, misordered);
// Unlike elsewhere a field too many is refused: two forms in one entry would leave one of them out, unsaid and not kept out of.
const keepOutBox = z.strictObject(corners).refine(ordered, misordered);
const sphere = z.strictObject({ center: vector3, radius: positive });
const halfSpace = z.strictObject({
  normal: vector3.refine((normal) => normal.some((x) => x !== 0), { message: 'must not be zero' }),
  offset: real,
});
const binary = z.instanceof(Uint8Array).meta({ title: 'bin' });
const instruction = z.string().min(1).max(WIRE_LIMITS.maxInstructionChars);
const name = z.string().min(1).max(128);

export const robotIdPattern = /^[A-Za-z0-9._-]{1,64}$/;

export const freshOpen = z.object({
  type: z.literal('open'),
  robot_type: name,
  instruction,
  robot_id: z.string().regex(robotIdPattern).exactOptional(),
  model: name.exactOptional(),
  control_hz: real.min(1).max(100).exactOptional(),
  pacing: z.enum(PACINGS).exactOptional(),
  execute: integer.min(1).exactOptional(),
  smoothing: z.enum(SMOOTHINGS).exactOptional(),
  blend: z.enum(BLENDS).exactOptional(),
  stale_after_ms: positive.max(2000).exactOptional(),
  limits: z
    .object({
      mode: z.enum(SAFETY_MODES).exactOptional(),
      v: positive.exactOptional(),
      a: positive.exactOptional(),
      j: positive.exactOptional(),
      w: positive.exactOptional(),
      dw: positive.exactOptional(),
      ddw: positive.exactOptional(),
      joint_scale: positive.max(1).exactOptional(),
    })
    .exactOptional(),
  keep_out: z
    .array(z.union([keepOutBox, sphere, halfSpace]))
    .max(WIRE_LIMITS.maxKeepOut)
    .exactOptional(),
  environment: z
    .object({
      environment_type: name,
      lighting_conditions: name.exactOptional(),
      workspace: box.exactOptional(),
    })
    .exactOptional(),
  client: z.object({ name, version: name }).exactOptional(),
}) satisfies z.ZodType<wire.FreshOpen>;

export const resumeOpen = z.object({
  type: z.literal('open'),
  resume: z.object({ session_id: name, token: z.string().min(1).max(512) }),
}) satisfies z.ZodType<wire.ResumeOpen>;

export const observation = z.object({
  type: z.literal('observation'),
  seq: integer.min(0),
  captured_at_ms: real,
  images: z.record(
    z.string(),
    z.union([
      binary,
      z.object({
        data: binary,
        shape: z.tuple([integer, integer, z.literal(3)]),
        encoding: z.literal('rgb8'),
      }),
    ]),
  ),
  state: z.union([z.array(real), binary]),
  applied_seq: integer.min(0).exactOptional(),
  instruction: instruction.exactOptional(),
});

export const instructionMessage = z.object({
  type: z.literal('instruction'),
  instruction,
}) satisfies z.ZodType<wire.Instruction>;

export const reset = z.object({
  type: z.literal('reset'),
  outcome: z.object({ success: z.boolean() }).exactOptional(),
}) satisfies z.ZodType<wire.Reset>;

export const estop = z.object({ type: z.literal('estop') }) satisfies z.ZodType<wire.Estop>;
export const estopClear = z.object({ type: z.literal('estop_clear') }) satisfies z.ZodType<wire.EstopClear>;

export const ping = z.object({
  type: z.literal('ping'),
  sent_at_ms: real,
  echo: z.object({ server_time_ms: real, received_at_ms: real }).exactOptional(),
}) satisfies z.ZodType<wire.Ping>;

export const close = z.object({ type: z.literal('close') }) satisfies z.ZodType<wire.Close>;

/** Everything a client may send, by `type`; `open` twice, as it has two forms. */
export const clientSchemas = {
  open: freshOpen,
  'open (resume)': resumeOpen,
  observation,
  instruction: instructionMessage,
  reset,
  estop,
  estop_clear: estopClear,
  ping,
  close,
};
