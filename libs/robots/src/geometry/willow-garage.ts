import type { RobotGeometry } from '../geometry-schema.js';
import { at, joint, NONE } from './rows.js';

export const WILLOW_GARAGE_GEOMETRY: Readonly<Record<string, RobotGeometry>> = {
  pr2_left_arm: {
    convention: 'origins',
    rows: [
      joint([0, 0.188, 0]),
      joint([0.1, 0, 0], [0, 0, 0], [0, 1, 0]),
      joint([0, 0, 0], [0, 0, 0], [1, 0, 0]),
      joint([0.4, 0, 0], [0, 0, 0], [0, 1, 0]),
      joint([0, 0, 0], [0, 0, 0], [1, 0, 0]),
      joint([0.321, 0, 0], [0, 0, 0], [0, 1, 0]),
      joint([0, 0, 0], [0, 0, 0], [1, 0, 0]),
    ],
    base_frame: 'torso_lift_link, which rises with the torso',
    mount: 'body',
    base: NONE,
    flange: NONE,
    tool: at([0.18, 0, 0]),
    tcp: 'between the fingertips of the PR2 gripper (l_gripper_tool_frame)',
    source: [
      'github:PR2/pr2_common@c36a5c9 pr2_description/urdf/{shoulder_v0,upper_arm_v0,forearm_v0,gripper_v0}/*.urdf.xacro, robots/pr2.urdf.xacro (mount)',
    ],
  },
};
