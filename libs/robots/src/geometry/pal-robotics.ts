import type { RobotGeometry } from '../geometry-schema.js';
import { joint, NONE, QUARTER } from './rows.js';

export const PAL_ROBOTICS_GEOMETRY: Readonly<Record<string, RobotGeometry>> = {
  pal_tiago_arm: {
    convention: 'origins',
    rows: [
      joint([0.15505, 0.014, -0.151], [0, 0, -QUARTER]),
      joint([0.125, 0.0195, -0.031], [QUARTER, 0, 0]),
      joint([0.0895, 0, -0.0015], [-QUARTER, 0, QUARTER]),
      joint([-0.02, -0.027, -0.222], [-QUARTER, -QUARTER, 0]),
      joint([-0.162, 0.02, 0.027], [QUARTER, -QUARTER, -QUARTER]),
      joint([0, 0, 0.15], [0, -QUARTER, -QUARTER]),
      joint([0, 0, 0], [QUARTER, 0, QUARTER]),
    ],
    base_frame: 'torso_lift_link, which rises with the torso',
    mount: 'body',
    base: NONE,
    flange: NONE,
    tool: null,
    tcp: 'frame of arm_7_joint, at the wrist; neither flange nor hand counted in',
    source: [
      'github:pal-robotics/tiago_robot@9c460fb tiago_description/urdf/arm/arm.urdf.xacro, wrist.urdf.xacro, robots/tiago.urdf.xacro (mount)',
    ],
  },
};
