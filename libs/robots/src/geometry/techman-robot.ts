import type { RobotGeometry } from '../geometry-schema.js';
import { joint, NONE, QUARTER } from './rows.js';

export const TECHMAN_ROBOT_GEOMETRY: Readonly<Record<string, RobotGeometry>> = {
  techman_tm5_900: {
    convention: 'origins',
    rows: [
      joint([0, 0, 0.1452]),
      joint([0, 0, 0], [-QUARTER, -QUARTER, 0]),
      joint([0.429, 0, 0]),
      joint([0.4115, 0, -0.1223], [0, 0, QUARTER]),
      joint([0, -0.106, 0], [QUARTER, 0, 0]),
      joint([0, -0.11315, 0], [QUARTER, 0, 0]),
    ],
    base_frame: 'base, under the foot',
    mount: 'foot',
    base: NONE,
    flange: NONE,
    tool: null,
    tcp: 'flange; no tool counted in',
    source: ['github:TechmanRobotInc/tmr_ros2@684faab tm_description/urdf/tm5-900-nominal.urdf'],
  },
  techman_tm5_700: {
    convention: 'origins',
    rows: [
      joint([0, 0, 0.1452]),
      joint([0, 0, 0], [-QUARTER, -QUARTER, 0]),
      joint([0.329, 0, 0]),
      joint([0.3115, 0, -0.1223], [0, 0, QUARTER]),
      joint([0, -0.106, 0], [QUARTER, 0, 0]),
      joint([0, -0.11315, 0], [QUARTER, 0, 0]),
    ],
    base_frame: 'base, under the foot',
    mount: 'foot',
    base: NONE,
    flange: NONE,
    tool: null,
    tcp: 'flange; no tool counted in',
    source: ['github:TechmanRobotInc/tmr_ros2@684faab tm_description/urdf/tm5-700-nominal.urdf'],
  },
};
