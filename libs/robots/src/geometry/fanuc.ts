import type { RobotGeometry } from '../geometry-schema.js';
import { at, joint, NONE } from './rows.js';

export const FANUC_GEOMETRY: Readonly<Record<string, RobotGeometry>> = {
  fanuc_crx_10ia: {
    convention: 'origins',
    rows: [
      joint([0, 0, 0.245]),
      joint([0, 0, 0], [0, 0, 0], [0, 1, 0]),
      joint([0, 0, 0.54], [0, 0, 0], [0, -1, 0]),
      joint([0, 0, 0], [0, 0, 0], [-1, 0, 0]),
      joint([0.54, 0, 0], [0, 0, 0], [0, -1, 0]),
      joint([0, -0.15, 0], [0, 0, 0], [-1, 0, 0]),
    ],
    base_frame: "base_link, on the floor below joint 1 (the controller's world frame is on the axis of J2 instead)",
    mount: 'foot',
    base: NONE,
    flange: at([0.16, 0, 0]),
    tool: null,
    tcp: 'flange; no tool counted in',
    source: ['github:FANUC-CORPORATION/fanuc_description@250d3fa fanuc_crx_description/urdf/crx10ia_urdf_macro.xacro'],
  },
  fanuc_crx_10ia_l: {
    convention: 'origins',
    rows: [
      joint([0, 0, 0.245]),
      joint([0, 0, 0], [0, 0, 0], [0, 1, 0]),
      joint([0, 0, 0.71], [0, 0, 0], [0, -1, 0]),
      joint([0, 0, 0], [0, 0, 0], [-1, 0, 0]),
      joint([0.54, 0, 0], [0, 0, 0], [0, -1, 0]),
      joint([0, -0.15, 0], [0, 0, 0], [-1, 0, 0]),
    ],
    base_frame: "base_link, on the floor below joint 1 (the controller's world frame is on the axis of J2 instead)",
    mount: 'foot',
    base: NONE,
    flange: at([0.16, 0, 0]),
    tool: null,
    tcp: 'flange; no tool counted in',
    source: [
      'github:FANUC-CORPORATION/fanuc_description@250d3fa fanuc_crx_description/urdf/crx10ia_l_urdf_macro.xacro',
    ],
  },
  fanuc_lrmate_200id: {
    convention: 'origins',
    rows: [
      joint([0, 0, 0.33]),
      joint([0.05, 0, 0], [0, 0, 0], [0, 1, 0]),
      joint([0, 0, 0.33], [0, 0, 0], [0, -1, 0]),
      joint([0, 0, 0.035], [0, 0, 0], [-1, 0, 0]),
      joint([0.335, 0, 0], [0, 0, 0], [0, -1, 0]),
      joint([0, 0, 0], [0, 0, 0], [-1, 0, 0]),
    ],
    base_frame: "base_link, on the floor below joint 1 (the controller's world frame is on the axis of J2 instead)",
    mount: 'foot',
    base: NONE,
    flange: at([0.08, 0, 0]),
    tool: null,
    tcp: 'flange; no tool counted in',
    source: [
      'github:FANUC-CORPORATION/fanuc_description@250d3fa fanuc_lrmate_description/urdf/lrmate200id_urdf_macro.xacro',
    ],
  },
};
