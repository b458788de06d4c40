import type { RobotFigures } from '../schema.js';

export const FLEXIV: readonly RobotFigures[] = [
  {
    id: 'flexiv_rizon4',
    vendor: 'Flexiv',
    model: 'Rizon 4',
    dof: 7,
    joints: [
      { name: 'joint1', lower: -2.7925, upper: 2.7925, velocity: 2.0944, acceleration: null, jerk: null },
      { name: 'joint2', lower: -2.2689, upper: 2.2689, velocity: 2.0944, acceleration: null, jerk: null },
      { name: 'joint3', lower: -2.9671, upper: 2.9671, velocity: 2.4435, acceleration: null, jerk: null },
      { name: 'joint4', lower: -1.8675, upper: 2.6878, velocity: 2.4435, acceleration: null, jerk: null },
      { name: 'joint5', lower: -2.9671, upper: 2.9671, velocity: 4.8869, acceleration: null, jerk: null },
      { name: 'joint6', lower: -1.3963, upper: 4.5379, velocity: 4.8869, acceleration: null, jerk: null },
      { name: 'joint7', lower: -2.9671, upper: 2.9671, velocity: 4.8869, acceleration: null, jerk: null },
    ],
    reach_m: 0.955,
    payload_kg: 4,
    tcp_speed_m_s: null,
    gripper: null,
    source: [
      'github:flexivrobotics/flexiv_ros2@9d96a86 flexiv_description/urdf/rizon4_joints_links.xacro',
      'github:mdicicco/robot_arm_data@c26da92 data/robot_arm_data.csv (third-party catalogue; reach/payload)',
    ],
    notes:
      'reach and payload only from a third-party catalogue (uncertain; flange-to-shoulder distance computed from the URDF is a plausible upper bound). Vendor datasheet not found in sources.',
    reach_computed_m: 0.976,
    reach_computed_to: 'flange',
    confidence: {
      joint_positions: 'vendor_repo',
      joint_velocities: 'vendor_repo',
      reach_payload: 'third_party_catalogue',
    },
  },
];
