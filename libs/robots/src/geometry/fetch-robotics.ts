import type { RobotGeometry } from '../geometry-schema.js';
import { at, joint, NONE } from './rows.js';

export const FETCH_ROBOTICS_GEOMETRY: Readonly<Record<string, RobotGeometry>> = {
  fetch_arm: {
    convention: 'origins',
    rows: [
      joint([0.119525, 0, 0.34858]),
      joint([0.117, 0, 0.06], [0, 0, 0], [0, 1, 0]),
      joint([0.219, 0, 0], [0, 0, 0], [1, 0, 0]),
      joint([0.133, 0, 0], [0, 0, 0], [0, 1, 0]),
      joint([0.197, 0, 0], [0, 0, 0], [1, 0, 0]),
      joint([0.1245, 0, 0], [0, 0, 0], [0, 1, 0]),
      joint([0.1385, 0, 0], [0, 0, 0], [1, 0, 0]),
    ],
    base_frame: 'torso_lift_link, which rises with the torso',
    mount: 'body',
    base: NONE,
    flange: NONE,
    tool: at([0.16645, 0, 0]),
    tcp: 'between the fingers of the Fetch gripper (gripper_link)',
    source: ['github:ZebraDevs/fetch_ros@9c38de6 fetch_description/robots/fetch.urdf'],
  },
};
