import type { RobotGeometry } from '../geometry-schema.js';
import { joint, NONE } from './rows.js';

export const UNITREE_GEOMETRY: Readonly<Record<string, RobotGeometry>> = {
  unitree_z1: {
    convention: 'origins',
    rows: [
      joint([0, 0, 0.0585]),
      joint([0, 0, 0.045], [0, 0, 0], [0, 1, 0]),
      joint([-0.35, 0, 0], [0, 0, 0], [0, 1, 0]),
      joint([0.218, 0, 0.057], [0, 0, 0], [0, 1, 0]),
      joint([0.07, 0, 0]),
      joint([0.0492, 0, 0], [0, 0, 0], [1, 0, 0]),
    ],
    base_frame: 'link00, under the foot',
    mount: 'foot',
    base: NONE,
    flange: NONE,
    tool: null,
    tcp: 'frame of joint 6; no gripper counted in',
    source: ['github:unitreerobotics/unitree_ros@44a1615 robots/z1_description/xacro/z1.urdf'],
  },
  unitree_g1_left_arm: {
    convention: 'origins',
    rows: [
      joint([0.0039563, 0.10022, 0.24778], [0.27931, 5.4949e-5, -0.00019159], [0, 1, 0]),
      joint([0, 0.038, -0.013831], [-0.27925, 0, 0], [1, 0, 0]),
      joint([0, 0.00624, -0.1032]),
      joint([0.015783, 0, -0.080518], [0, 0, 0], [0, 1, 0]),
      joint([0.1, 0.00188791, -0.01], [0, 0, 0], [1, 0, 0]),
      joint([0.038, 0, 0], [0, 0, 0], [0, 1, 0]),
      joint([0.046, 0, 0]),
    ],
    base_frame: 'torso_link, which moves with the waist',
    mount: 'body',
    base: NONE,
    flange: NONE,
    tool: null,
    tcp: 'frame of the wrist yaw joint; no hand counted in',
    source: ['github:unitreerobotics/unitree_ros@1ab5f1e robots/g1_description/g1_29dof_rev_1_0.urdf'],
  },
};
