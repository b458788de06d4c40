// biome-ignore-all lint/suspicious/noApproximativeNumericConstant: figures as their sources print them
import type { RobotFigures } from '../schema.js';

export const UFACTORY: readonly RobotFigures[] = [
  {
    id: 'ufactory_xarm5',
    vendor: 'UFACTORY',
    model: 'xArm5',
    dof: 5,
    joints: [
      { name: 'joint1', lower: -6.283185, upper: 6.283185, velocity: 3.14, acceleration: 20.001473, jerk: 499.984471 },
      { name: 'joint2', lower: -2.059, upper: 2.0944, velocity: 3.14, acceleration: 20.001473, jerk: 499.984471 },
      { name: 'joint3', lower: -3.927, upper: 0.19198, velocity: 3.14, acceleration: 20.001473, jerk: 499.984471 },
      { name: 'joint4', lower: -1.69297, upper: 3.141593, velocity: 3.14, acceleration: 20.001473, jerk: 499.984471 },
      { name: 'joint5', lower: -6.283185, upper: 6.283185, velocity: 3.14, acceleration: 20.001473, jerk: 499.984471 },
    ],
    reach_m: 0.7,
    payload_kg: 3,
    tcp_speed_m_s: 1,
    gripper: {
      kind: 'parallel_jaw',
      model: 'xArm Gripper (optional)',
      range_rad: [0, 0.85],
      source: 'xarm_ros2 xarm_description/urdf/gripper/xarm_gripper.urdf.xacro',
    },
    source: [
      'github:xArm-Developer/xarm_ros2@3654ba7 xarm_description/urdf/xarm5/xarm5.urdf.xacro',
      'github:xArm-Developer/ufactory_doc_usermanual@50e61ab en/user_manual/ufactoryStudio/10.technical_specifications.md',
      'github:mdicicco/robot_arm_data@c26da92 data/robot_arm_data.csv (third-party catalogue; reach/payload)',
    ],
    notes:
      'acceleration/jerk are the controller maxima 1146 deg/s2 and 28647 deg/s3 (vendor manual); TCP accel 50 m/s2 and jerk 100 m/s3 maxima are not safe defaults. MoveIt config caps joints at 2.14 rad/s. Ranges in manual agree to rounding (Lite 6: manual also agrees).',
    cartesian: { v: 1, a: 50, j: 100 },
    confidence: {
      joint_positions: 'vendor_repo',
      joint_velocities: 'vendor_repo',
      reach_payload: 'third_party_catalogue',
    },
  },
  {
    id: 'ufactory_xarm6',
    vendor: 'UFACTORY',
    model: 'xArm6',
    dof: 6,
    joints: [
      { name: 'joint1', lower: -6.283185, upper: 6.283185, velocity: 3.14, acceleration: 20.001473, jerk: 499.984471 },
      { name: 'joint2', lower: -2.059, upper: 2.0944, velocity: 3.14, acceleration: 20.001473, jerk: 499.984471 },
      { name: 'joint3', lower: -3.927, upper: 0.19198, velocity: 3.14, acceleration: 20.001473, jerk: 499.984471 },
      { name: 'joint4', lower: -6.283185, upper: 6.283185, velocity: 3.14, acceleration: 20.001473, jerk: 499.984471 },
      { name: 'joint5', lower: -1.69297, upper: 3.141593, velocity: 3.14, acceleration: 20.001473, jerk: 499.984471 },
      { name: 'joint6', lower: -6.283185, upper: 6.283185, velocity: 3.14, acceleration: 20.001473, jerk: 499.984471 },
    ],
    reach_m: 0.7,
    payload_kg: 5,
    tcp_speed_m_s: 1,
    gripper: {
      kind: 'parallel_jaw',
      model: 'xArm Gripper (optional)',
      range_rad: [0, 0.85],
      source: 'xarm_ros2 xarm_description/urdf/gripper/xarm_gripper.urdf.xacro',
    },
    source: [
      'github:xArm-Developer/xarm_ros2@3654ba7 xarm_description/urdf/xarm6/xarm6.urdf.xacro',
      'github:xArm-Developer/ufactory_doc_usermanual@50e61ab en/user_manual/ufactoryStudio/10.technical_specifications.md',
      'github:mdicicco/robot_arm_data@c26da92 data/robot_arm_data.csv (third-party catalogue; reach/payload)',
    ],
    notes:
      'acceleration/jerk are the controller maxima 1146 deg/s2 and 28647 deg/s3 (vendor manual); TCP accel 50 m/s2 and jerk 100 m/s3 maxima are not safe defaults. MoveIt config caps joints at 2.14 rad/s. Ranges in manual agree to rounding (Lite 6: manual also agrees).',
    cartesian: { v: 1, a: 50, j: 100 },
    confidence: {
      joint_positions: 'vendor_repo',
      joint_velocities: 'vendor_repo',
      reach_payload: 'third_party_catalogue',
    },
  },
  {
    id: 'ufactory_xarm7',
    vendor: 'UFACTORY',
    model: 'xArm7',
    dof: 7,
    joints: [
      { name: 'joint1', lower: -6.283185, upper: 6.283185, velocity: 3.14, acceleration: 20.001473, jerk: 499.984471 },
      { name: 'joint2', lower: -2.059, upper: 2.0944, velocity: 3.14, acceleration: 20.001473, jerk: 499.984471 },
      { name: 'joint3', lower: -6.283185, upper: 6.283185, velocity: 3.14, acceleration: 20.001473, jerk: 499.984471 },
      { name: 'joint4', lower: -0.19198, upper: 3.927, velocity: 3.14, acceleration: 20.001473, jerk: 499.984471 },
      { name: 'joint5', lower: -6.283185, upper: 6.283185, velocity: 3.14, acceleration: 20.001473, jerk: 499.984471 },
      { name: 'joint6', lower: -1.69297, upper: 3.141593, velocity: 3.14, acceleration: 20.001473, jerk: 499.984471 },
      { name: 'joint7', lower: -6.283185, upper: 6.283185, velocity: 3.14, acceleration: 20.001473, jerk: 499.984471 },
    ],
    reach_m: 0.7,
    payload_kg: 3.5,
    tcp_speed_m_s: 1,
    gripper: {
      kind: 'parallel_jaw',
      model: 'xArm Gripper (optional)',
      range_rad: [0, 0.85],
      source: 'xarm_ros2 xarm_description/urdf/gripper/xarm_gripper.urdf.xacro',
    },
    source: [
      'github:xArm-Developer/xarm_ros2@3654ba7 xarm_description/urdf/xarm7/xarm7.urdf.xacro',
      'github:xArm-Developer/ufactory_doc_usermanual@50e61ab en/user_manual/ufactoryStudio/10.technical_specifications.md',
      'github:mdicicco/robot_arm_data@c26da92 data/robot_arm_data.csv (third-party catalogue; reach/payload)',
    ],
    notes:
      'acceleration/jerk are the controller maxima 1146 deg/s2 and 28647 deg/s3 (vendor manual); TCP accel 50 m/s2 and jerk 100 m/s3 maxima are not safe defaults. MoveIt config caps joints at 2.14 rad/s. Ranges in manual agree to rounding (Lite 6: manual also agrees).',
    cartesian: { v: 1, a: 50, j: 100 },
    confidence: {
      joint_positions: 'vendor_repo',
      joint_velocities: 'vendor_repo',
      reach_payload: 'third_party_catalogue',
    },
  },
  {
    id: 'ufactory_lite6',
    vendor: 'UFACTORY',
    model: 'Lite 6',
    dof: 6,
    joints: [
      { name: 'joint1', lower: -6.283185, upper: 6.283185, velocity: 3.14, acceleration: 20.001473, jerk: 499.984471 },
      { name: 'joint2', lower: -2.61799, upper: 2.61799, velocity: 3.14, acceleration: 20.001473, jerk: 499.984471 },
      { name: 'joint3', lower: -0.061087, upper: 5.235988, velocity: 3.14, acceleration: 20.001473, jerk: 499.984471 },
      { name: 'joint4', lower: -6.283185, upper: 6.283185, velocity: 3.14, acceleration: 20.001473, jerk: 499.984471 },
      { name: 'joint5', lower: -2.1642, upper: 2.1642, velocity: 3.14, acceleration: 20.001473, jerk: 499.984471 },
      { name: 'joint6', lower: -6.283185, upper: 6.283185, velocity: 3.14, acceleration: 20.001473, jerk: 499.984471 },
    ],
    reach_m: 0.44,
    payload_kg: 1,
    tcp_speed_m_s: 0.5,
    gripper: {
      kind: 'parallel_jaw',
      model: 'Lite gripper (binary, optional)',
      source: 'xarm_ros2 xarm_description/urdf/gripper/lite_gripper.urdf.xacro',
    },
    source: [
      'github:xArm-Developer/xarm_ros2@3654ba7 xarm_description/urdf/lite6/lite6.urdf.xacro',
      'github:xArm-Developer/ufactory_doc_usermanual@50e61ab en/user_manual/ufactoryStudio/10.technical_specifications.md',
      'github:mdicicco/robot_arm_data@c26da92 data/robot_arm_data.csv (third-party catalogue; reach/payload)',
    ],
    notes:
      'acceleration/jerk are the controller maxima 1146 deg/s2 and 28647 deg/s3 (vendor manual); TCP accel 50 m/s2 and jerk 100 m/s3 maxima are not safe defaults. MoveIt config caps joints at 2.14 rad/s. Ranges in manual agree to rounding (Lite 6: manual also agrees).',
    cartesian: { v: 0.5, a: 50, j: 100 },
    confidence: {
      joint_positions: 'vendor_repo',
      joint_velocities: 'vendor_repo',
      reach_payload: 'third_party_catalogue',
    },
  },
];
