import type { RobotGeometry } from '../geometry-schema.js';
import { FRANKA_GEOMETRY } from './franka.js';
import { UNIVERSAL_ROBOTS_GEOMETRY } from './universal-robots.js';

/** By id. Not here: no source that both gives the figures and fits the record's joints. */
export const GEOMETRY: Readonly<Record<string, RobotGeometry>> = {
  ...FRANKA_GEOMETRY,
  ...UNIVERSAL_ROBOTS_GEOMETRY,
};
