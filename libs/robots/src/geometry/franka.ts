import type { RobotGeometry } from '../geometry-schema.js';
import { at, dh, EIGHTH, NONE, QUARTER } from './rows.js';

/** Both arms have the same links; the hand is the one that both records name. */
function arm(prefix: string, folder: string): RobotGeometry {
  return {
    convention: 'mdh',
    rows: [
      dh(0, 0.333, 0),
      dh(0, 0, -QUARTER),
      dh(0, 0.316, QUARTER),
      dh(0.0825, 0, QUARTER),
      dh(-0.0825, 0.384, -QUARTER),
      dh(0, 0, QUARTER),
      dh(0.088, 0, QUARTER),
    ],
    base_frame: `${prefix}_link0, the controller's base`,
    mount: 'foot',
    base: NONE,
    flange: at([0, 0, 0.107]),
    tool: at([0, 0, 0.1034], [0, 0, -EIGHTH]),
    tcp: `between the fingertips of the Franka Hand (${prefix}_hand_tcp, the controller's end effector with that hand), 0.1034 m beyond the flange`,
    source: [
      'github:frankarobotics/docs@5f28326 source/robot_specifications.rst (Denavit-Hartenberg parameters, flange)',
      `github:frankarobotics/franka_description@566ba44 robots/${folder}/kinematics.yaml (agrees); end_effectors/franka_hand/franka_hand_arguments.xacro (hand)`,
    ],
  };
}

export const FRANKA_GEOMETRY: Readonly<Record<string, RobotGeometry>> = {
  franka_panda: arm('panda', 'fer'),
  franka_fr3: arm('fr3', 'fr3'),
};
