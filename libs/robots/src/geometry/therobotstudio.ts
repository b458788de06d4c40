import type { RobotGeometry } from '../geometry-schema.js';
import { at, HALF, joint, NONE, QUARTER } from './rows.js';

export const THEROBOTSTUDIO_GEOMETRY: Readonly<Record<string, RobotGeometry>> = {
  so100: {
    convention: 'origins',
    rows: [
      joint([0, -0.0452, 0.0165], [QUARTER, 0, 0], [0, 1, 0]),
      joint([0, 0.1025, 0.0306], [-1.8, 0, 0], [1, 0, 0]),
      joint([0, 0.11257, 0.028], [QUARTER, 0, 0], [1, 0, 0]),
      joint([0, 0.0052, 0.1349], [-1.0, 0, 0], [1, 0, 0]),
      joint([0, -0.0601, 0], [0, QUARTER, 0], [0, 1, 0]),
    ],
    base_frame: 'base, under the foot',
    mount: 'foot',
    base: NONE,
    flange: NONE,
    tool: null,
    tcp: 'frame of the wrist_roll joint; the jaws beyond it are not counted in',
    source: ['github:TheRobotStudio/SO-ARM100@fda892c Simulation/SO100/so100.urdf'],
  },
  so101: {
    convention: 'origins',
    rows: [
      joint([0.0388353, 0, 0.0624], [HALF, 0, -HALF]),
      joint([-0.0303992, -0.0182778, -0.0542], [-QUARTER, -QUARTER, 0]),
      joint([-0.11257, -0.028, 0], [0, 0, QUARTER]),
      joint([-0.1349, 0.0052, 0], [0, 0, -QUARTER]),
      joint([0, -0.0611, 0.0181], [QUARTER, 0.0486795, HALF]),
    ],
    base_frame: 'base_link, under the foot',
    mount: 'foot',
    base: NONE,
    flange: NONE,
    tool: at([-0.0079, -0.000218121, -0.0981274], [HALF, 0, HALF]),
    tcp: 'between the jaws (gripper_frame_link)',
    source: ['github:TheRobotStudio/SO-ARM100@fda892c Simulation/SO101/so101_new_calib.urdf'],
  },
};
