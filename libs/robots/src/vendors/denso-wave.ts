import type { RobotFigures } from '../schema.js';

export const DENSO_WAVE: readonly RobotFigures[] = [
  {
    id: 'denso_vs060',
    vendor: 'Denso Wave',
    model: 'VS-060',
    dof: 6,
    joints: [
      { name: 'joint_1', lower: -2.96706, upper: 2.96706, velocity: 3.730641, acceleration: null, jerk: null },
      { name: 'joint_2', lower: -2.094395, upper: 2.094395, velocity: 2.487094, acceleration: null, jerk: null },
      { name: 'joint_3', lower: -2.181662, upper: 2.70526, velocity: 2.715409, acceleration: null, jerk: null },
      { name: 'joint_4', lower: -4.712389, upper: 4.712389, velocity: 3.730641, acceleration: null, jerk: null },
      { name: 'joint_5', lower: -2.094395, upper: 2.094395, velocity: 2.870604, acceleration: null, jerk: null },
      { name: 'joint_6', lower: -6.283185, upper: 6.283185, velocity: 5.969026, acceleration: null, jerk: null },
    ],
    reach_m: 0.605,
    payload_kg: 4,
    tcp_speed_m_s: null,
    gripper: null,
    source: [
      'github:DENSORobot/denso_robot_ros2@071363c denso_robot_descriptions/robots/vs060/urdf/denso_robot_kinematics.xacro',
      'github:mdicicco/robot_arm_data@c26da92 data/robot_arm_data.csv (third-party catalogue; reach/payload)',
    ],
    notes:
      'The same repo limits slave-mode commands to ~10% of these speeds (0.262-0.628 rad/s) and 0.17-0.34 rad/s2 in denso_robot_joint_limits.xacro / moveit joint_limits.yaml: use those as defaults.',
    reach_computed_m: 0.675,
    reach_computed_to: 'joint_6 child frame',
    confidence: {
      joint_positions: 'vendor_repo',
      joint_velocities: 'vendor_repo',
      reach_payload: 'third_party_catalogue',
    },
  },
];
