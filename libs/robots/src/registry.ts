import { aliasesOf } from './aliases.js';
import { GEOMETRY } from './geometry/index.js';
import type { RobotFigures, RobotRecord } from './schema.js';
import { ABB } from './vendors/abb.js';
import { ALEXANDER_KOCH } from './vendors/alexander-koch.js';
import { DENSO_WAVE } from './vendors/denso-wave.js';
import { DOBOT } from './vendors/dobot.js';
import { DOOSAN_ROBOTICS } from './vendors/doosan-robotics.js';
import { FANUC } from './vendors/fanuc.js';
import { FETCH_ROBOTICS } from './vendors/fetch-robotics.js';
import { FLEXIV } from './vendors/flexiv.js';
import { FRANKA } from './vendors/franka.js';
import { GOOGLE } from './vendors/google.js';
import { KINOVA } from './vendors/kinova.js';
import { KUKA } from './vendors/kuka.js';
import { PAL_ROBOTICS } from './vendors/pal-robotics.js';
import { RETHINK_ROBOTICS } from './vendors/rethink-robotics.js';
import { TECHMAN_ROBOT } from './vendors/techman-robot.js';
import { THEROBOTSTUDIO } from './vendors/therobotstudio.js';
import { TROSSEN_ROBOTICS } from './vendors/trossen-robotics.js';
import { UFACTORY } from './vendors/ufactory.js';
import { UNITREE } from './vendors/unitree.js';
import { UNIVERSAL_ROBOTS } from './vendors/universal-robots.js';
import { WILLOW_GARAGE } from './vendors/willow-garage.js';
import { YASKAWA } from './vendors/yaskawa.js';

const FIGURES: readonly RobotFigures[] = [
  ...FRANKA,
  ...UNIVERSAL_ROBOTS,
  ...ABB,
  ...KUKA,
  ...KINOVA,
  ...UFACTORY,
  ...RETHINK_ROBOTICS,
  ...FETCH_ROBOTICS,
  ...PAL_ROBOTICS,
  ...WILLOW_GARAGE,
  ...TROSSEN_ROBOTICS,
  ...THEROBOTSTUDIO,
  ...ALEXANDER_KOCH,
  ...DOBOT,
  ...DOOSAN_ROBOTICS,
  ...TECHMAN_ROBOT,
  ...FLEXIV,
  ...DENSO_WAVE,
  ...FANUC,
  ...YASKAWA,
  ...UNITREE,
  ...GOOGLE,
];

/** Every robot type the server knows, by vendor. Values are those of the sources each record names; nothing is derived here. */
export const ROBOTS: readonly RobotRecord[] = FIGURES.map((figures) => ({
  ...figures,
  aliases: aliasesOf(figures.id),
  geometry: GEOMETRY[figures.id] ?? null,
}));
