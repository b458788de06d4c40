import type { RobotGeometry } from '../geometry-schema.js';
import { joint, NONE, QUARTER } from './rows.js';

export const DOOSAN_ROBOTICS_GEOMETRY: Readonly<Record<string, RobotGeometry>> = {
  doosan_m1013: {
    convention: 'origins',
    rows: [
      joint([0, 0, 0.1525]),
      joint([0, 0.0345, 0], [0, -QUARTER, -QUARTER]),
      joint([0.62, 0, 0], [0, 0, QUARTER]),
      joint([0, -0.559, 0], [QUARTER, 0, 0]),
      joint([0, 0, 0], [-QUARTER, 0, 0]),
      joint([0, -0.121, 0], [QUARTER, 0, 0]),
    ],
    base_frame: 'base_link, under the foot',
    mount: 'foot',
    base: NONE,
    flange: NONE,
    tool: null,
    tcp: 'frame of joint 6, at the flange; no tool counted in',
    source: ['github:DoosanRobotics/doosan-robot2@ec92425 dsr_description2/urdf/m1013.urdf'],
  },
};
