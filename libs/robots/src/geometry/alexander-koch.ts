import type { RobotGeometry } from '../geometry-schema.js';
import { joint, NONE } from './rows.js';

export const ALEXANDER_KOCH_GEOMETRY: Readonly<Record<string, RobotGeometry>> = {
  koch_v1: {
    convention: 'origins',
    rows: [
      joint([0.012, 0, 0.0409], [0, 0, 0], [0, 0, -1]),
      joint([0, -0.0209, 0.0154], [0, 0, 0], [0, 1, 0]),
      joint([-0.0148, 0.0065, 0.1083], [0, 0, 0], [0, -1, 0]),
      joint([-0.10048, 5e-5, 0.0026999], [0, 0, 0], [0, 1, 0]),
      joint([-0.045, 0.013097, 0], [0, 0, 0], [1, 0, 0]),
    ],
    base_frame: 'base_link, under the foot',
    mount: 'foot',
    base: NONE,
    flange: NONE,
    tool: null,
    tcp: 'frame of the wrist_roll joint; the jaws beyond it are not counted in',
    source: ['github:google-deepmind/mujoco_menagerie@464b5ae low_cost_robot_arm/low_cost_robot_arm.xml'],
  },
};
