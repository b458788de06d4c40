// biome-ignore-all lint/suspicious/noApproximativeNumericConstant: figures as their sources print them
import type { RobotFigures } from '../schema.js';

export const DOOSAN_ROBOTICS: readonly RobotFigures[] = [
  {
    id: 'doosan_m1013',
    vendor: 'Doosan Robotics',
    model: 'M1013',
    dof: 6,
    joints: [
      { name: 'joint_1', lower: -6.2832, upper: 6.2832, velocity: 2.0944, acceleration: null, jerk: null },
      { name: 'joint_2', lower: -6.2832, upper: 6.2832, velocity: 2.0944, acceleration: null, jerk: null },
      { name: 'joint_3', lower: -2.7925, upper: 2.7925, velocity: 3.1416, acceleration: null, jerk: null },
      { name: 'joint_4', lower: -6.2832, upper: 6.2832, velocity: 3.927, acceleration: null, jerk: null },
      { name: 'joint_5', lower: -6.2832, upper: 6.2832, velocity: 3.927, acceleration: null, jerk: null },
      { name: 'joint_6', lower: -6.2832, upper: 6.2832, velocity: 3.927, acceleration: null, jerk: null },
    ],
    reach_m: 1.3,
    payload_kg: 10,
    tcp_speed_m_s: 1,
    gripper: null,
    source: [
      'github:DoosanRobotics/doosan-robot2@ec92425 dsr_description2/urdf/m1013.urdf',
      'github:joernmalzahn/OpenRobotDatabase@7fbcab1 cobots/doosan_M1013.yaml (datasheet transcription; CC BY-NC-SA 4.0 - facts only)',
      'github:mdicicco/robot_arm_data@c26da92 data/robot_arm_data.csv (third-party catalogue; reach/payload)',
    ],
    notes:
      'Hardware ranges (agree with datasheet). The vendor MoveIt config is much tighter: +-3.14, +-1.658, +-2.356, +-3.14, +-2.356, +-3.14 with accel = velocity values (2.09,2.09,3.14,3.93,3.93,3.93): recommended as soft limits.',
    reach_computed_m: 1.3,
    reach_computed_to: 'joint_6 child frame',
    confidence: {
      joint_positions: 'vendor_repo',
      joint_velocities: 'vendor_repo',
      reach_payload: 'datasheet_transcription',
    },
    datasheet_crosscheck: {
      differences: [],
      with: 'github:joernmalzahn/OpenRobotDatabase@7fbcab1 cobots/doosan_M1013.yaml',
    },
  },
];
