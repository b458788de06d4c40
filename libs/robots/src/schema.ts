import { z } from 'zod';
import { RobotGeometry } from './geometry-schema.js';

const finite = z.number();
const positive = z.number().positive();
const range = z.tuple([finite, finite]).readonly();

/**
 * v_max(q) = min(velocity, max(0, -velocity_offset + sqrt(2 * deceleration_limit * (q_max - q)))) and its mirror image at
 * q_min: the vendor's position-dependent ceiling (rad, rad/s, rad/s²).
 */
export const PositionBasedVelocity = z
  .strictObject({ velocity_offset: finite, deceleration_limit: positive, q_min: finite, q_max: finite })
  .readonly();

/** One joint in the robot's own order: rad, rad/s, rad/s², rad/s³ (m for prismatic). `null`: no source gives it. */
export const JointRecord = z
  .strictObject({
    name: z.string().min(1),
    lower: finite,
    upper: finite,
    velocity: positive.nullable(),
    acceleration: positive.nullable(),
    jerk: positive.nullable(),
    /** Turns without end: wraps, is never clamped. */
    continuous: z.boolean().optional(),
    position_based_velocity: PositionBasedVelocity.optional(),
  })
  .refine((joint) => joint.lower < joint.upper, { message: 'lower must be below upper', path: ['lower'] })
  .readonly();

export const GripperRecord = z
  .strictObject({
    kind: z.string(),
    model: z.string().optional(),
    range_m: range.optional(),
    range_rad: range.optional(),
    max_speed_m_s: positive.optional(),
    max_speed_rad_s: positive.optional(),
    source: z.string().nullable(),
  })
  .readonly();

/** The vendor's limits of the tool centre point: v, a, j translate (m/s …), w, dw, ddw rotate (rad/s …). */
export const CartesianRecord = z
  .strictObject({
    v: positive,
    a: positive,
    j: positive,
    w: positive.optional(),
    dw: positive.optional(),
    ddw: positive.optional(),
  })
  .readonly();

/** One robot type: hardware ceilings as its sources give them, each with where it is from. */
export const RobotRecord = z
  .strictObject({
    id: z.string().regex(/^[a-z0-9_]+$/),
    vendor: z.string().min(1),
    model: z.string().min(1),
    dof: z.number().int().positive(),
    joints: z.array(JointRecord).readonly(),
    reach_m: positive.nullable(),
    reach_computed_m: positive.optional(),
    reach_computed_to: z.string().optional(),
    payload_kg: positive.nullable(),
    tcp_speed_m_s: positive.nullable(),
    cartesian: CartesianRecord.optional(),
    gripper: GripperRecord.nullable(),
    source: z.array(z.string()).readonly(),
    notes: z.string(),
    /** Other names of the same robot type, which \`open\` takes as well. */
    aliases: z.array(z.string().regex(/^[a-z0-9_-]+$/)).readonly(),
    /** Null: no source gives it, and what needs kinematics is not checked for this robot. */
    geometry: RobotGeometry.nullable(),
    confidence: z
      .strictObject({
        joint_positions: z.string(),
        joint_velocities: z.string().nullable(),
        reach_payload: z.string().nullable(),
      })
      .readonly(),
    datasheet_crosscheck: z
      .strictObject({ differences: z.array(z.string()).readonly(), with: z.string() })
      .readonly()
      .optional(),
  })
  .refine((robot) => robot.joints.length === robot.dof, { message: 'one joint a degree of freedom', path: ['joints'] })
  .refine((robot) => robot.geometry === null || robot.geometry.rows.length === robot.dof, {
    message: 'one row a joint',
    path: ['geometry', 'rows'],
  })
  .readonly();

export type JointRecord = z.infer<typeof JointRecord>;
export type GripperRecord = z.infer<typeof GripperRecord>;
export type CartesianRecord = z.infer<typeof CartesianRecord>;
export type RobotRecord = z.infer<typeof RobotRecord>;

/** A record as its vendor's file has it; names and geometry are tables of their own. */
export type RobotFigures = Omit<RobotRecord, 'aliases' | 'geometry'>;
