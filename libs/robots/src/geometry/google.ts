import type { RobotGeometry } from '../geometry-schema.js';
import { at, joint, NONE } from './rows.js';

export const GOOGLE_GEOMETRY: Readonly<Record<string, RobotGeometry>> = {
  google_robot_rt1: {
    convention: 'origins',
    rows: [
      joint([0, 0, 0.5945]),
      joint([0, -0.16728852885, 0.113], [0, 0, 0], [0, 1, 0]),
      joint([0, 0.002289, 0.21502852885]),
      joint([0, -0.064, 0.1849715], [0, 0, 0], [0, 1, 0]),
      joint([0, -0.101, 0.0915]),
      joint([0, -0.00604, 0.2735], [0, 0, 0], [0, 1, 0]),
      joint([0, 0.0060384, 0.10911]),
    ],
    base_frame: 'link_base, between the drive wheels at the height of their axle',
    mount: 'foot',
    base: NONE,
    flange: NONE,
    tool: at([0, 0, 0.15]),
    tcp: 'between the fingers (link_gripper_tcp)',
    source: [
      'github:simpler-env/ManiSkill2_real2sim@6a1f086 mani_skill2/assets/descriptions/googlerobot_description/google_robot_meta_sim_fix_fingertip.urdf',
    ],
  },
};
