import type { RobotFigures } from '../schema.js';

export const PAL_ROBOTICS: readonly RobotFigures[] = [
  {
    id: 'pal_tiago_arm',
    vendor: 'PAL Robotics',
    model: 'TIAGo (arm)',
    dof: 7,
    joints: [
      { name: 'arm_1_joint', lower: 0, upper: 2.748894, velocity: 1.95, acceleration: null, jerk: null },
      { name: 'arm_2_joint', lower: -1.570796, upper: 1.090831, velocity: 1.95, acceleration: null, jerk: null },
      { name: 'arm_3_joint', lower: -3.534292, upper: 1.570796, velocity: 2.35, acceleration: null, jerk: null },
      { name: 'arm_4_joint', lower: -0.392699, upper: 2.356194, velocity: 2.35, acceleration: null, jerk: null },
      { name: 'arm_5_joint', lower: -2.094395, upper: 2.094395, velocity: 1.95, acceleration: null, jerk: null },
      { name: 'arm_6_joint', lower: -1.413717, upper: 1.413717, velocity: 1.76, acceleration: null, jerk: null },
      { name: 'arm_7_joint', lower: -2.094395, upper: 2.094395, velocity: 1.76, acceleration: null, jerk: null },
    ],
    reach_m: null,
    payload_kg: null,
    tcp_speed_m_s: null,
    gripper: { kind: 'parallel_jaw', model: 'PAL gripper (or Hey5 hand)', source: null },
    source: ['github:pal-robotics/tiago_robot@9c460fb tiago_description/urdf/arm/arm.urdf.xacro, wrist.urdf.xacro'],
    notes:
      'Single-arm TIAGo (tiago_dual has different J1-J3 ranges). Wrist joint 6 is +-81 deg with F/T sensor, +-90 without: tighter kept. URDF soft limits subtract 0.07 rad (arm) / 0.02 rad (wrist). torso_lift 0..0.35 m, 0.07 m/s excluded. Reach/payload not found in the sources read.',
    confidence: { joint_positions: 'vendor_repo', joint_velocities: 'vendor_repo', reach_payload: null },
  },
];
