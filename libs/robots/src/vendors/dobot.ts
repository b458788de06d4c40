import type { RobotFigures } from '../schema.js';

export const DOBOT: readonly RobotFigures[] = [
  {
    id: 'dobot_cr5',
    vendor: 'Dobot',
    model: 'CR5',
    dof: 6,
    joints: [
      { name: 'joint1', lower: -3.14, upper: 3.14, velocity: null, acceleration: null, jerk: null },
      { name: 'joint2', lower: -3.14, upper: 3.14, velocity: null, acceleration: null, jerk: null },
      { name: 'joint3', lower: -2.86, upper: 2.86, velocity: null, acceleration: null, jerk: null },
      { name: 'joint4', lower: -3.14, upper: 3.14, velocity: null, acceleration: null, jerk: null },
      { name: 'joint5', lower: -3.14, upper: 3.14, velocity: null, acceleration: null, jerk: null },
      { name: 'joint6', lower: -6.28, upper: 6.28, velocity: null, acceleration: null, jerk: null },
    ],
    reach_m: 1.096,
    payload_kg: 5,
    tcp_speed_m_s: null,
    gripper: null,
    source: [
      'github:Dobot-Arm/DOBOT_6Axis_ROS2_V3@4e10115 cra_description/urdf/cr5_robot.xacro, dobot_rviz/urdf/cr5_robot.urdf, cr5_moveit/config/pilz_cartesian_limits.yaml',
      'github:mdicicco/robot_arm_data@c26da92 data/robot_arm_data.csv (third-party catalogue; reach/payload)',
    ],
    notes:
      'velocity null: URDF says 100 (and 0 in the other file) = placeholders. Pilz config has max_trans_vel 1.0 m/s, 2.25 m/s2, rot 1.57 rad/s (defaults, not datasheet).',
    reach_computed_m: 0.953,
    reach_computed_to: 'joint6 child frame',
    confidence: { joint_positions: 'vendor_repo', joint_velocities: null, reach_payload: 'third_party_catalogue' },
  },
];
