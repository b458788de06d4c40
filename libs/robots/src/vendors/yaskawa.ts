// biome-ignore-all lint/suspicious/noApproximativeNumericConstant: figures as their sources print them
import type { RobotFigures } from '../schema.js';

export const YASKAWA: readonly RobotFigures[] = [
  {
    id: 'yaskawa_gp7',
    vendor: 'Yaskawa',
    model: 'Motoman GP7',
    dof: 6,
    joints: [
      { name: 'joint_1_s', lower: -2.967, upper: 2.967, velocity: 6.5448, acceleration: null, jerk: null },
      { name: 'joint_2_l', lower: -1.1344, upper: 2.5307, velocity: 5.4977, acceleration: null, jerk: null },
      { name: 'joint_3_u', lower: -1.2217, upper: 3.3161, velocity: 7.1558, acceleration: null, jerk: null },
      { name: 'joint_4_r', lower: -3.3161, upper: 3.3161, velocity: 9.5993, acceleration: null, jerk: null },
      { name: 'joint_5_b', lower: -2.3561, upper: 2.3561, velocity: 9.5993, acceleration: null, jerk: null },
      { name: 'joint_6_t', lower: -6.2944, upper: 6.2944, velocity: 17.4845, acceleration: null, jerk: null },
    ],
    reach_m: 0.927,
    payload_kg: 7,
    tcp_speed_m_s: null,
    gripper: null,
    source: [
      'github:ros-industrial/motoman@433be15 motoman_gp7_support/urdf/gp7_macro.xacro (motoman.com gp7.pdf)',
      'github:joernmalzahn/OpenRobotDatabase@7fbcab1 cobots/yaskawa_gp7.yaml (datasheet transcription; CC BY-NC-SA 4.0 - facts only)',
      'github:mdicicco/robot_arm_data@c26da92 data/robot_arm_data.csv (third-party catalogue; reach/payload)',
    ],
    notes: 'ORD lists S-axis +-70 deg (looks like a transcription error for 170): URDF kept. Industrial arm.',
    reach_computed_m: 0.967,
    reach_computed_to: 'tool0',
    confidence: {
      joint_positions: 'ros_industrial',
      joint_velocities: 'ros_industrial',
      reach_payload: 'datasheet_transcription',
    },
    datasheet_crosscheck: {
      differences: [
        'joint_1_s.lower: -170.0 vs -70 deg',
        'joint_1_s.upper: 170.0 vs 70 deg',
        'joint_6_t.velocity: 1001.8 vs 1000 deg',
      ],
      with: 'github:joernmalzahn/OpenRobotDatabase@7fbcab1 cobots/yaskawa_gp7.yaml',
    },
  },
  {
    id: 'yaskawa_hc10',
    vendor: 'Yaskawa',
    model: 'Motoman HC10',
    dof: 6,
    joints: [
      { name: 'joint_1_s', lower: -3.141593, upper: 3.141593, velocity: 2.268928, acceleration: null, jerk: null },
      { name: 'joint_2_l', lower: -3.141593, upper: 3.141593, velocity: 2.268928, acceleration: null, jerk: null },
      { name: 'joint_3_u', lower: -0.087266, upper: 6.195919, velocity: 3.141593, acceleration: null, jerk: null },
      { name: 'joint_4_r', lower: -3.141593, upper: 3.141593, velocity: 3.141593, acceleration: null, jerk: null },
      { name: 'joint_5_b', lower: -3.141593, upper: 3.141593, velocity: 4.363323, acceleration: null, jerk: null },
      { name: 'joint_6_t', lower: -3.141593, upper: 3.141593, velocity: 4.363323, acceleration: null, jerk: null },
    ],
    reach_m: 1.2,
    payload_kg: 10,
    tcp_speed_m_s: 1,
    gripper: null,
    source: [
      'github:ros-industrial/motoman@433be15 motoman_hc10_support/urdf/hc10_macro.xacro',
      'github:joernmalzahn/OpenRobotDatabase@7fbcab1 cobots/yaskawa_hc10.yaml (datasheet transcription; CC BY-NC-SA 4.0 - facts only)',
      'github:mdicicco/robot_arm_data@c26da92 data/robot_arm_data.csv (third-party catalogue; reach/payload)',
    ],
    notes: 'Collaborative; HC10DTP variant has different ranges (see same package).',
    reach_computed_m: 1.35,
    reach_computed_to: 'tool0',
    confidence: {
      joint_positions: 'ros_industrial',
      joint_velocities: 'ros_industrial',
      reach_payload: 'datasheet_transcription',
    },
    datasheet_crosscheck: {
      differences: [],
      with: 'github:joernmalzahn/OpenRobotDatabase@7fbcab1 cobots/yaskawa_hc10.yaml',
    },
  },
];
