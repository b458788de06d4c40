import type { RobotGeometry } from '../geometry-schema.js';
import { at, HALF, joint, NONE, QUARTER } from './rows.js';

export const YASKAWA_GEOMETRY: Readonly<Record<string, RobotGeometry>> = {
  yaskawa_gp7: {
    convention: 'origins',
    rows: [
      joint([0, 0, 0.33]),
      joint([0.04, 0, 0], [0, 0, 0], [0, 1, 0]),
      joint([0, 0, 0.445], [0, 0, 0], [0, -1, 0]),
      joint([0.44, 0, 0.04], [0, 0, 0], [-1, 0, 0]),
      joint([0, 0, 0], [0, 0, 0], [0, -1, 0]),
      joint([0, 0, 0], [0, 0, 0], [-1, 0, 0]),
    ],
    base_frame: 'base_link, on the floor below joint 1',
    mount: 'foot',
    base: NONE,
    flange: at([0.08, 0, 0], [HALF, -QUARTER, 0]),
    tool: null,
    tcp: 'tool0, the face of the flange; no tool counted in',
    source: ['github:ros-industrial/motoman@433be15 motoman_gp7_support/urdf/gp7_macro.xacro'],
  },
  yaskawa_hc10: {
    convention: 'origins',
    rows: [
      joint([0, 0, 0.275]),
      joint([0, 0, 0], [0, 0, 0], [0, 1, 0]),
      joint([0, 0, 0.7], [0, 0, 0], [0, -1, 0]),
      joint([0, 0, -0.5]),
      joint([0, 0.162, 0], [0, 0, 0], [0, -1, 0]),
      joint([0, 0, 0]),
    ],
    base_frame: 'base_link, on the floor below joint 1',
    mount: 'foot',
    base: NONE,
    flange: at([0, 0, -0.13], [HALF, 0, 0]),
    tool: null,
    tcp: 'tool0, the face of the flange; no tool counted in',
    source: ['github:ros-industrial/motoman@433be15 motoman_hc10_support/urdf/hc10_macro.xacro'],
  },
};
