import type { RobotGeometry } from '../geometry-schema.js';
import { joint, NONE } from './rows.js';

export const DENSO_WAVE_GEOMETRY: Readonly<Record<string, RobotGeometry>> = {
  denso_vs060: {
    convention: 'origins',
    rows: [
      joint([0, 0, 0.1815]),
      joint([0, 0, 0.1635], [0, 0, 0], [0, 1, 0]),
      joint([0, 0, 0.305], [0, 0, 0], [0, 1, 0]),
      joint([-0.01, 0, 0.1645]),
      joint([0, 0, 0.1355], [0, 0, 0], [0, 1, 0]),
      joint([0, 0, 0.07]),
    ],
    base_frame: 'base_link, on the floor below joint 1',
    mount: 'foot',
    base: NONE,
    flange: NONE,
    tool: null,
    tcp: 'frame of joint 6 (J6), at the flange; no tool counted in',
    source: [
      'github:DENSORobot/denso_robot_ros2@071363c denso_robot_descriptions/robots/vs060/urdf/denso_robot_kinematics.xacro',
    ],
  },
};
