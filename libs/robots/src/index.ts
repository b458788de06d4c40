export type { DhRow, OriginRow, Placement } from './geometry-schema.js';
export { RobotGeometry } from './geometry-schema.js';
export { findRobot, nearestRobots } from './lookup.js';
export { ROBOTS } from './registry.js';
export { CartesianRecord, GripperRecord, JointRecord, PositionBasedVelocity, RobotRecord } from './schema.js';
