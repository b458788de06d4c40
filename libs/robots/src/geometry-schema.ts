import { z } from 'zod';

const finite = z.number();
const vector = z.tuple([finite, finite, finite]).readonly();

/** A fixed placement: metres, then R = Rz(yaw)·Ry(pitch)·Rx(roll) in rad, as URDF has it. */
const Placement = z.strictObject({ xyz: vector, rpy: vector }).readonly();

/** One row of a Denavit-Hartenberg table: m, m, rad, rad; the joint's angle is q + theta_offset about z. */
const DhRow = z.strictObject({ a: finite, d: finite, alpha: finite, theta_offset: finite }).readonly();

/** One joint of a URDF: its frame in its parent's at q = 0, and the axis it turns about in its own frame. */
const OriginRow = z
  .strictObject({ xyz: vector, rpy: vector, axis: vector })
  .refine((row) => Math.abs(Math.hypot(...row.axis) - 1) < 1e-9, { message: 'must have length 1', path: ['axis'] })
  .readonly();

const common = {
  /** Which frame positions are in: the robot's own name for it, and what tells it from others of the robot. */
  base_frame: z.string().min(1),
  /** `foot`: that frame is where the arm stands, the floor or table at its z = 0; `body`: it is in a body that carries the arm. */
  mount: z.enum(['foot', 'body']),
  /** From that frame to where the chain starts. */
  base: Placement,
  /** From the last joint's frame to the flange or whichever frame `tcp` names. */
  flange: Placement,
  /** From the flange to the tool's point, where the record's own gripper is counted in; else null. */
  tool: Placement.nullable(),
  /** Which physical point the tool centre point is. */
  tcp: z.string().min(1),
  source: z.array(z.string().min(1)).min(1).readonly(),
};

/**
 * Where the tool centre point is for given joints, nominal, as the source prints it (an arm's own calibration differs by up to
 * some millimetres). One row a joint, in the order of the record's joints:
 * - `dh` (Denavit-Hartenberg, distal): Rz(q + theta_offset)·Tz(d)·Tx(a)·Rx(alpha)
 * - `mdh` (modified, Craig, proximal): Rx(alpha)·Tx(a)·Tz(d)·Rz(q + theta_offset)
 * - `origins` (URDF): T(xyz)·R(rpy)·R(axis, q)
 */
export const RobotGeometry = z
  .discriminatedUnion('convention', [
    z.strictObject({ convention: z.literal('dh'), rows: z.array(DhRow).min(1).readonly(), ...common }),
    z.strictObject({ convention: z.literal('mdh'), rows: z.array(DhRow).min(1).readonly(), ...common }),
    z.strictObject({ convention: z.literal('origins'), rows: z.array(OriginRow).min(1).readonly(), ...common }),
  ])
  .readonly();

export type RobotGeometry = z.infer<typeof RobotGeometry>;
export type DhRow = z.infer<typeof DhRow>;
export type OriginRow = z.infer<typeof OriginRow>;
export type Placement = z.infer<typeof Placement>;
