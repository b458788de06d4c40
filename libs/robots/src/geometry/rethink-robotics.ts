import type { RobotGeometry } from '../geometry-schema.js';
import { at, EIGHTH, HALF, joint, NONE, QUARTER } from './rows.js';

export const RETHINK_ROBOTICS_GEOMETRY: Readonly<Record<string, RobotGeometry>> = {
  rethink_sawyer: {
    convention: 'origins',
    rows: [
      joint([0, 0, 0.08]),
      joint([0.081, 0.05, 0.237], [-QUARTER, QUARTER, 0]),
      joint([0, -0.14, 0.1425], [QUARTER, 0, 0]),
      joint([0, -0.042, 0.26], [-QUARTER, 0, 0]),
      joint([0, -0.125, -0.1265], [QUARTER, 0, 0]),
      joint([0, 0.031, 0.275], [-QUARTER, 0, 0]),
      joint([0, -0.11, 0.1053], [-QUARTER, -0.17453, HALF]),
    ],
    base_frame: 'base, under joint 1',
    mount: 'foot',
    base: NONE,
    flange: at([0, 0, 0.0245], [0, 0, QUARTER]),
    tool: null,
    tcp: 'flange (right_hand); no gripper counted in',
    source: ['github:RethinkRobotics/sawyer_robot@d1ef3d0 sawyer_description/urdf/sawyer_base.urdf.xacro'],
  },
  rethink_baxter_arm: {
    convention: 'origins',
    rows: [
      joint([0.055695, 0, 0.011038]),
      joint([0.069, 0, 0.27035], [-QUARTER, 0, 0]),
      joint([0.102, 0, 0], [QUARTER, 0, QUARTER]),
      joint([0.069, 0, 0.26242], [-QUARTER, -QUARTER, 0]),
      joint([0.10359, 0, 0], [QUARTER, 0, QUARTER]),
      joint([0.01, 0, 0.2707], [-QUARTER, -QUARTER, 0]),
      joint([0.115975, 0, 0], [QUARTER, 0, QUARTER]),
    ],
    base_frame: 'base, in the torso: far above the floor, between the arms',
    mount: 'body',
    base: at([0.024645, 0.219645, 0.118588], [0, 0, EIGHTH]),
    flange: at([0, 0, 0.11355]),
    tool: null,
    tcp: 'flange of the left arm (left_hand); no gripper counted in',
    source: ['github:RethinkRobotics/baxter_common@6c4b0f3 baxter_description/urdf/baxter.urdf'],
  },
};
