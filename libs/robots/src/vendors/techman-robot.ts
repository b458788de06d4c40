// biome-ignore-all lint/suspicious/noApproximativeNumericConstant: figures as their sources print them
import type { RobotFigures } from '../schema.js';

export const TECHMAN_ROBOT: readonly RobotFigures[] = [
  {
    id: 'techman_tm5_900',
    vendor: 'Techman Robot',
    model: 'TM5-900',
    dof: 6,
    joints: [
      { name: 'joint_1', lower: -4.712389, upper: 4.712389, velocity: 3.141593, acceleration: null, jerk: null },
      { name: 'joint_2', lower: -3.141593, upper: 3.141593, velocity: 3.141593, acceleration: null, jerk: null },
      { name: 'joint_3', lower: -2.70526, upper: 2.70526, velocity: 3.141593, acceleration: null, jerk: null },
      { name: 'joint_4', lower: -3.141593, upper: 3.141593, velocity: 3.926991, acceleration: null, jerk: null },
      { name: 'joint_5', lower: -3.141593, upper: 3.141593, velocity: 3.926991, acceleration: null, jerk: null },
      { name: 'joint_6', lower: -4.712389, upper: 4.712389, velocity: 3.926991, acceleration: null, jerk: null },
    ],
    reach_m: 0.9,
    payload_kg: 4,
    tcp_speed_m_s: 1.4,
    gripper: null,
    source: [
      'github:TechmanRobotInc/tmr_ros2@684faab tm_description/urdf/tm5-900-nominal.urdf',
      'github:joernmalzahn/OpenRobotDatabase@7fbcab1 cobots/tm5-900.yaml (datasheet transcription; CC BY-NC-SA 4.0 - facts only)',
      'github:mdicicco/robot_arm_data@c26da92 data/robot_arm_data.csv (third-party catalogue; reach/payload)',
    ],
    notes: 'URDF and datasheet transcription agree.',
    reach_computed_m: 1.004,
    reach_computed_to: 'joint_6 child frame',
    confidence: {
      joint_positions: 'vendor_repo',
      joint_velocities: 'vendor_repo',
      reach_payload: 'datasheet_transcription',
    },
    datasheet_crosscheck: {
      differences: [],
      with: 'github:joernmalzahn/OpenRobotDatabase@7fbcab1 cobots/tm5-900.yaml',
    },
  },
  {
    id: 'techman_tm5_700',
    vendor: 'Techman Robot',
    model: 'TM5-700',
    dof: 6,
    joints: [
      { name: 'joint_1', lower: -4.712389, upper: 4.712389, velocity: 3.141593, acceleration: null, jerk: null },
      { name: 'joint_2', lower: -3.141593, upper: 3.141593, velocity: 3.141593, acceleration: null, jerk: null },
      { name: 'joint_3', lower: -2.70526, upper: 2.70526, velocity: 3.141593, acceleration: null, jerk: null },
      { name: 'joint_4', lower: -3.141593, upper: 3.141593, velocity: 3.926991, acceleration: null, jerk: null },
      { name: 'joint_5', lower: -3.141593, upper: 3.141593, velocity: 3.926991, acceleration: null, jerk: null },
      { name: 'joint_6', lower: -4.712389, upper: 4.712389, velocity: 3.926991, acceleration: null, jerk: null },
    ],
    reach_m: 0.7,
    payload_kg: 6,
    tcp_speed_m_s: 1.1,
    gripper: null,
    source: [
      'github:TechmanRobotInc/tmr_ros2@684faab tm_description/urdf/tm5-700-nominal.urdf',
      'github:joernmalzahn/OpenRobotDatabase@7fbcab1 cobots/tm5-700.yaml (datasheet transcription; CC BY-NC-SA 4.0 - facts only)',
      'github:mdicicco/robot_arm_data@c26da92 data/robot_arm_data.csv (third-party catalogue; reach/payload)',
    ],
    notes: 'URDF and datasheet transcription agree.',
    reach_computed_m: 0.807,
    reach_computed_to: 'joint_6 child frame',
    confidence: {
      joint_positions: 'vendor_repo',
      joint_velocities: 'vendor_repo',
      reach_payload: 'datasheet_transcription',
    },
    datasheet_crosscheck: {
      differences: [],
      with: 'github:joernmalzahn/OpenRobotDatabase@7fbcab1 cobots/tm5-700.yaml',
    },
  },
];
