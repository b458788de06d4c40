// biome-ignore-all lint/suspicious/noApproximativeNumericConstant: figures as their sources print them
import type { RobotFigures } from '../schema.js';

export const FANUC: readonly RobotFigures[] = [
  {
    id: 'fanuc_crx_10ia',
    vendor: 'FANUC',
    model: 'CRX-10iA',
    dof: 6,
    joints: [
      { name: 'J1', lower: -3.316126, upper: 3.316126, velocity: 2.094395, acceleration: null, jerk: null },
      { name: 'J2', lower: -3.139847, upper: 3.139847, velocity: 2.094395, acceleration: null, jerk: null },
      { name: 'J3', lower: -1.239184, upper: 4.380776, velocity: 3.141593, acceleration: null, jerk: null },
      { name: 'J4', lower: -3.316126, upper: 3.316126, velocity: 3.141593, acceleration: null, jerk: null },
      { name: 'J5', lower: -3.139847, upper: 3.139847, velocity: 3.141593, acceleration: null, jerk: null },
      { name: 'J6', lower: -3.926991, upper: 3.926991, velocity: 3.141593, acceleration: null, jerk: null },
    ],
    reach_m: 1.24,
    payload_kg: 10,
    tcp_speed_m_s: 2,
    gripper: null,
    source: [
      'github:FANUC-CORPORATION/fanuc_description@250d3fa fanuc_crx_description/urdf/crx10ia_urdf_macro.xacro',
      'github:joernmalzahn/OpenRobotDatabase@7fbcab1 cobots/crx-10ia.yaml (datasheet transcription; CC BY-NC-SA 4.0 - facts only)',
      'github:mdicicco/robot_arm_data@c26da92 data/robot_arm_data.csv (third-party catalogue; reach/payload)',
    ],
    notes:
      'reach 1.24 m (ORD stores the 2480 mm diameter; another public table says 1249 mm). 2 m/s is the ORD figure. FANUC controllers couple J2/J3 (ros-industrial fanuc driver: J23_factor=1): URDF J3 is not the pendant J3.',
    reach_computed_m: 1.256,
    reach_computed_to: 'flange',
    confidence: {
      joint_positions: 'vendor_repo',
      joint_velocities: 'vendor_repo',
      reach_payload: 'datasheet_transcription',
    },
  },
  {
    id: 'fanuc_crx_10ia_l',
    vendor: 'FANUC',
    model: 'CRX-10iA/L',
    dof: 6,
    joints: [
      { name: 'J1', lower: -3.139847, upper: 3.139847, velocity: 2.094395, acceleration: null, jerk: null },
      { name: 'J2', lower: -3.139847, upper: 3.139847, velocity: 2.094395, acceleration: null, jerk: null },
      { name: 'J3', lower: -4.712389, upper: 4.712389, velocity: 3.141593, acceleration: null, jerk: null },
      { name: 'J4', lower: -3.316126, upper: 3.316126, velocity: 3.141593, acceleration: null, jerk: null },
      { name: 'J5', lower: -3.139847, upper: 3.139847, velocity: 3.141593, acceleration: null, jerk: null },
      { name: 'J6', lower: -3.926991, upper: 3.926991, velocity: 3.141593, acceleration: null, jerk: null },
    ],
    reach_m: 1.41,
    payload_kg: 10,
    tcp_speed_m_s: 2,
    gripper: null,
    source: [
      'github:FANUC-CORPORATION/fanuc_description@250d3fa fanuc_crx_description/urdf/crx10ia_l_urdf_macro.xacro',
      'github:joernmalzahn/OpenRobotDatabase@7fbcab1 cobots/crx-10ial.yaml (datasheet transcription; CC BY-NC-SA 4.0 - facts only)',
      'github:mdicicco/robot_arm_data@c26da92 data/robot_arm_data.csv (third-party catalogue; reach/payload)',
    ],
    notes:
      'reach: ORD diameter 2820 mm (=1.41 m); catalogue 1.42 m; tighter kept. FANUC controllers couple J2/J3 (ros-industrial fanuc driver: J23_factor=1): URDF J3 is not the pendant J3.',
    reach_computed_m: 1.426,
    reach_computed_to: 'flange',
    confidence: {
      joint_positions: 'vendor_repo',
      joint_velocities: 'vendor_repo',
      reach_payload: 'datasheet_transcription',
    },
  },
  {
    id: 'fanuc_lrmate_200id',
    vendor: 'FANUC',
    model: 'LR Mate 200iD',
    dof: 6,
    joints: [
      { name: 'J1', lower: -2.96706, upper: 2.96706, velocity: 7.853982, acceleration: null, jerk: null },
      { name: 'J2', lower: -1.745329, upper: 2.530727, velocity: 6.632251, acceleration: null, jerk: null },
      { name: 'J3', lower: -1.22173, upper: 3.577925, velocity: 9.075712, acceleration: null, jerk: null },
      { name: 'J4', lower: -3.316126, upper: 3.316126, velocity: 9.599311, acceleration: null, jerk: null },
      { name: 'J5', lower: -2.181662, upper: 2.181662, velocity: 9.512044, acceleration: null, jerk: null },
      { name: 'J6', lower: -6.283185, upper: 6.283185, velocity: 17.453293, acceleration: null, jerk: null },
    ],
    reach_m: 0.717,
    payload_kg: 7,
    tcp_speed_m_s: null,
    gripper: null,
    source: [
      'github:FANUC-CORPORATION/fanuc_description@250d3fa fanuc_lrmate_description/urdf/lrmate200id_urdf_macro.xacro',
      'github:ros-industrial/fanuc@8fee5e3 fanuc_lrmate200id_support/urdf/lrmate200id_macro.xacro (manual B-83494EN/03)',
      'github:Mollert/RobotSizing dBase/robots.js (717 mm, 7 kg)',
    ],
    notes:
      'J1: FANUC +-180, ros-industrial +-170 (manual default stroke): tighter kept. Industrial arm. FANUC controllers couple J2/J3 (ros-industrial fanuc driver: J23_factor=1): URDF J3 is not the pendant J3.',
    reach_computed_m: 0.747,
    reach_computed_to: 'flange',
    confidence: {
      joint_positions: 'vendor_repo',
      joint_velocities: 'vendor_repo',
      reach_payload: 'third_party_catalogue',
    },
  },
];
