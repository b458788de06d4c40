// biome-ignore-all lint/suspicious/noApproximativeNumericConstant: figures as their sources print them
import type { RobotFigures } from '../schema.js';

export const UNITREE: readonly RobotFigures[] = [
  {
    id: 'unitree_z1',
    vendor: 'Unitree',
    model: 'Z1',
    dof: 6,
    joints: [
      { name: 'joint1', lower: -2.617994, upper: 2.617994, velocity: 3.1415, acceleration: 4, jerk: null },
      { name: 'joint2', lower: 0, upper: 2.96706, velocity: 3.1415, acceleration: 4, jerk: null },
      { name: 'joint3', lower: -2.879793, upper: 0, velocity: 3.1415, acceleration: 4, jerk: null },
      { name: 'joint4', lower: -1.518436, upper: 1.518436, velocity: 3.1415, acceleration: 4, jerk: null },
      { name: 'joint5', lower: -1.343904, upper: 1.343904, velocity: 3.1415, acceleration: 4, jerk: null },
      { name: 'joint6', lower: -2.792527, upper: 2.792527, velocity: 3.1415, acceleration: 4, jerk: null },
    ],
    reach_m: 0.74,
    payload_kg: 2,
    tcp_speed_m_s: null,
    gripper: { kind: 'parallel_jaw', model: 'Unitree Z1 gripper (optional)', source: null },
    source: [
      'github:unitreerobotics/unitree_ros@d6f13aa robots/z1_description/xacro/z1.urdf',
      'github:unitreerobotics/z1_ros@40ee65e z1_moveit_config/config/joint_limits.yaml (acceleration 4 rad/s2)',
      'github:mdicicco/robot_arm_data@c26da92 data/robot_arm_data.csv (third-party catalogue; reach/payload)',
    ],
    notes: 'payload 2 kg = Z1 Air (Z1 Pro 3 kg). acceleration is the vendor MoveIt config value.',
    reach_computed_m: 0.695,
    reach_computed_to: 'joint6 child frame',
    confidence: {
      joint_positions: 'vendor_repo',
      joint_velocities: 'vendor_repo',
      reach_payload: 'third_party_catalogue',
    },
  },
  {
    id: 'unitree_g1_left_arm',
    vendor: 'Unitree',
    model: 'G1 (left arm, 29-DoF rev 1.0)',
    dof: 7,
    joints: [
      {
        name: 'left_shoulder_pitch_joint',
        lower: -3.0892,
        upper: 2.6704,
        velocity: 37,
        acceleration: null,
        jerk: null,
      },
      { name: 'left_shoulder_roll_joint', lower: -1.5882, upper: 2.2515, velocity: 37, acceleration: null, jerk: null },
      { name: 'left_shoulder_yaw_joint', lower: -2.618, upper: 2.618, velocity: 37, acceleration: null, jerk: null },
      { name: 'left_elbow_joint', lower: -1.0472, upper: 2.0944, velocity: 37, acceleration: null, jerk: null },
      {
        name: 'left_wrist_roll_joint',
        lower: -1.972222,
        upper: 1.972222,
        velocity: 37,
        acceleration: null,
        jerk: null,
      },
      { name: 'left_wrist_pitch_joint', lower: -1.61443, upper: 1.61443, velocity: 22, acceleration: null, jerk: null },
      { name: 'left_wrist_yaw_joint', lower: -1.61443, upper: 1.61443, velocity: 22, acceleration: null, jerk: null },
    ],
    reach_m: null,
    payload_kg: null,
    tcp_speed_m_s: null,
    gripper: {
      kind: 'optional dexterous hand',
      model: 'Dex3-1 / Dex1-1 / none',
      source: 'unitree_ros robots/dexterous_hand_description',
    },
    source: ['github:unitreerobotics/unitree_ros@d6f13aa robots/g1_description/g1_29dof_rev_1_0.urdf'],
    notes:
      'velocity 37 / 22 rad/s are motor ratings, far above safe arm speeds: do not use as clamp defaults. Right arm mirrors shoulder_roll (-2.2515..1.5882). Reach/payload not found in the sources read.',
    reach_computed_m: 0.369,
    reach_computed_to: 'left_wrist_yaw_joint child frame',
    confidence: {
      joint_positions: 'vendor_repo',
      joint_velocities: 'motor_rating_not_a_safe_limit',
      reach_payload: null,
    },
  },
];
