import type { RobotGeometry } from '../geometry-schema.js';
import { ABB_GEOMETRY } from './abb.js';
import { ALEXANDER_KOCH_GEOMETRY } from './alexander-koch.js';
import { DENSO_WAVE_GEOMETRY } from './denso-wave.js';
import { DOBOT_GEOMETRY } from './dobot.js';
import { DOOSAN_ROBOTICS_GEOMETRY } from './doosan-robotics.js';
import { FANUC_GEOMETRY } from './fanuc.js';
import { FETCH_ROBOTICS_GEOMETRY } from './fetch-robotics.js';
import { FLEXIV_GEOMETRY } from './flexiv.js';
import { FRANKA_GEOMETRY } from './franka.js';
import { GOOGLE_GEOMETRY } from './google.js';
import { KINOVA_GEOMETRY } from './kinova.js';
import { KUKA_GEOMETRY } from './kuka.js';
import { PAL_ROBOTICS_GEOMETRY } from './pal-robotics.js';
import { RETHINK_ROBOTICS_GEOMETRY } from './rethink-robotics.js';
import { TECHMAN_ROBOT_GEOMETRY } from './techman-robot.js';
import { THEROBOTSTUDIO_GEOMETRY } from './therobotstudio.js';
import { TROSSEN_ROBOTICS_GEOMETRY } from './trossen-robotics.js';
import { UFACTORY_GEOMETRY } from './ufactory.js';
import { UNITREE_GEOMETRY } from './unitree.js';
import { UNIVERSAL_ROBOTS_GEOMETRY } from './universal-robots.js';
import { WILLOW_GARAGE_GEOMETRY } from './willow-garage.js';
import { YASKAWA_GEOMETRY } from './yaskawa.js';

/** By id. Not here: no source that both gives the figures and fits the record's joints. */
export const GEOMETRY: Readonly<Record<string, RobotGeometry>> = {
  ...FRANKA_GEOMETRY,
  ...UNIVERSAL_ROBOTS_GEOMETRY,
  ...ABB_GEOMETRY,
  ...KUKA_GEOMETRY,
  ...KINOVA_GEOMETRY,
  ...UFACTORY_GEOMETRY,
  ...RETHINK_ROBOTICS_GEOMETRY,
  ...FETCH_ROBOTICS_GEOMETRY,
  ...PAL_ROBOTICS_GEOMETRY,
  ...WILLOW_GARAGE_GEOMETRY,
  ...TROSSEN_ROBOTICS_GEOMETRY,
  ...THEROBOTSTUDIO_GEOMETRY,
  ...ALEXANDER_KOCH_GEOMETRY,
  ...DOBOT_GEOMETRY,
  ...DOOSAN_ROBOTICS_GEOMETRY,
  ...TECHMAN_ROBOT_GEOMETRY,
  ...FLEXIV_GEOMETRY,
  ...DENSO_WAVE_GEOMETRY,
  ...FANUC_GEOMETRY,
  ...YASKAWA_GEOMETRY,
  ...UNITREE_GEOMETRY,
  ...GOOGLE_GEOMETRY,
};
