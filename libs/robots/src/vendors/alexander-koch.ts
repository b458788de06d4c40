import type { RobotFigures } from '../schema.js';

export const ALEXANDER_KOCH: readonly RobotFigures[] = [
  {
    id: 'koch_v1',
    vendor: 'Alexander Koch / Tau Robotics',
    model: 'Koch low-cost follower arm',
    dof: 5,
    joints: [
      { name: 'base_rotation', lower: -2.2, upper: 2.2, velocity: 5.969026, acceleration: null, jerk: null },
      { name: 'pitch', lower: -1.57, upper: 0.6, velocity: 5.969026, acceleration: null, jerk: null },
      { name: 'elbow', lower: -1.57, upper: 1.45, velocity: 10.786135, acceleration: null, jerk: null },
      { name: 'wrist_pitch', lower: -2, upper: 2, velocity: 10.786135, acceleration: null, jerk: null },
      { name: 'wrist_roll', lower: -3.14, upper: 3.14, velocity: 10.786135, acceleration: null, jerk: null },
    ],
    reach_m: null,
    payload_kg: null,
    tcp_speed_m_s: null,
    gripper: { kind: 'revolute_jaw', range_rad: [-1.6, 0.032], source: 'mujoco_menagerie low_cost_robot_arm.xml' },
    source: [
      'github:google-deepmind/mujoco_menagerie@464b5ae low_cost_robot_arm/low_cost_robot_arm.xml (ranges)',
      'LeRobot koch_follower.py (2 x XL430-W250, 4 x XL330-M288)',
      'emanual.robotis.com 2xl430-w250 (57 rpm @11.1 V) and xl330-m288 (103 rpm @5 V)',
    ],
    notes:
      'velocity = servo no-load speed, an upper bound only. AlexanderKoch-Koch/low_cost_robot simulation uses +-3.14158 on all joints (unbounded in practice): menagerie ranges kept. LeRobot unit trap as for SO-100.',
    confidence: { joint_positions: 'community_or_sim', joint_velocities: 'servo_no_load_rating', reach_payload: null },
  },
];
