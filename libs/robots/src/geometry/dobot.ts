import type { RobotGeometry } from '../geometry-schema.js';
import { joint, NONE, QUARTER } from './rows.js';

export const DOBOT_GEOMETRY: Readonly<Record<string, RobotGeometry>> = {
  dobot_cr5: {
    convention: 'origins',
    rows: [
      joint([0, 0, 0.147]),
      joint([0, 0, 0], [QUARTER, QUARTER, 0]),
      joint([-0.427, 0, 0]),
      joint([-0.357, 0, 0.141], [0, 0, -QUARTER]),
      joint([0, -0.116, 0], [QUARTER, 0, 0]),
      joint([0, 0.105, 0], [-QUARTER, 0, 0]),
    ],
    base_frame: 'base_link, under the foot',
    mount: 'foot',
    base: NONE,
    flange: NONE,
    tool: null,
    tcp: 'frame of joint 6, at the flange; no tool counted in',
    source: ['github:Dobot-Arm/DOBOT_6Axis_ROS2_V3@4e10115 dobot_rviz/urdf/cr5_robot.urdf'],
  },
};
