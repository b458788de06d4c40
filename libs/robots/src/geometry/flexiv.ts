import type { RobotGeometry } from '../geometry-schema.js';
import { at, HALF, joint, NONE, QUARTER } from './rows.js';

export const FLEXIV_GEOMETRY: Readonly<Record<string, RobotGeometry>> = {
  flexiv_rizon4: {
    convention: 'origins',
    rows: [
      joint([0, 0, 0.155], [0, 0, -HALF]),
      joint([0, 0.03, 0.21], [0, 0, 0], [0, 1, 0]),
      joint([0, 0.035, 0.205]),
      joint([-0.02, -0.03, 0.19], [0, 0, -HALF], [0, 1, 0]),
      joint([-0.02, 0.025, 0.195], [0, 0, -HALF]),
      joint([0, 0.03, 0.19], [0, 0, 0], [0, 1, 0]),
      joint([-0.055, 0.07, 0.11], [0, -QUARTER, 0]),
    ],
    base_frame: 'base_link, under the foot',
    mount: 'foot',
    base: NONE,
    flange: at([0, 0, 0.081], [0, 0, -HALF]),
    tool: null,
    tcp: 'flange; no tool counted in',
    source: ['github:flexivrobotics/flexiv_ros2@9d96a86 flexiv_description/urdf/rizon4_joints_links.xacro'],
  },
};
