import type { RobotGeometry } from '../geometry-schema.js';
import { dh, NONE, QUARTER } from './rows.js';

/** Every UR has the same table with lengths of its own: d1, a2, a3, d4, d5, d6 in metres. */
function arm(folder: string, d1: number, a2: number, a3: number, d4: number, d5: number, d6: number): RobotGeometry {
  return {
    convention: 'dh',
    rows: [dh(0, d1, QUARTER), dh(a2, 0, 0), dh(a3, 0, 0), dh(0, d4, QUARTER), dh(0, d5, -QUARTER), dh(0, d6, 0)],
    base_frame:
      "base, the controller's (RTDE, teach pendant); ROS's base_link is turned against it by half a turn about z",
    mount: 'foot',
    base: NONE,
    flange: NONE,
    tool: null,
    tcp: 'tool flange (tool0); no tool counted in',
    source: [
      'universal-robots.com articles/ur/application-installation/dh-parameters-for-calculations-of-kinematics-and-dynamics',
      `github:UniversalRobots/Universal_Robots_ROS2_Description@2221ec0 config/${folder}/default_kinematics.yaml (agrees)`,
    ],
  };
}

export const UNIVERSAL_ROBOTS_GEOMETRY: Readonly<Record<string, RobotGeometry>> = {
  ur3: arm('ur3', 0.1519, -0.24365, -0.21325, 0.11235, 0.08535, 0.0819),
  ur5: arm('ur5', 0.089159, -0.425, -0.39225, 0.10915, 0.09465, 0.0823),
  ur10: arm('ur10', 0.1273, -0.612, -0.5723, 0.163941, 0.1157, 0.0922),
  ur3e: arm('ur3e', 0.15185, -0.24355, -0.2132, 0.13105, 0.08535, 0.0921),
  ur5e: arm('ur5e', 0.1625, -0.425, -0.3922, 0.1333, 0.0997, 0.0996),
  ur10e: arm('ur10e', 0.1807, -0.6127, -0.57155, 0.17415, 0.11985, 0.11655),
  ur16e: arm('ur16e', 0.1807, -0.4784, -0.36, 0.17415, 0.11985, 0.11655),
  ur20: arm('ur20', 0.2363, -0.862, -0.7287, 0.201, 0.1593, 0.1543),
};
