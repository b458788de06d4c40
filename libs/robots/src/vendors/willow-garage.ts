import type { RobotFigures } from '../schema.js';

export const WILLOW_GARAGE: readonly RobotFigures[] = [
  {
    id: 'pr2_left_arm',
    vendor: 'Willow Garage',
    model: 'PR2 (left arm)',
    dof: 7,
    joints: [
      {
        name: 'l_shoulder_pan_joint',
        lower: -0.714602,
        upper: 2.285398,
        velocity: 2.088,
        acceleration: null,
        jerk: null,
      },
      { name: 'l_shoulder_lift_joint', lower: -0.5236, upper: 1.3963, velocity: 2.082, acceleration: null, jerk: null },
      { name: 'l_upper_arm_roll_joint', lower: -0.8, upper: 3.9, velocity: 3.27, acceleration: null, jerk: null },
      { name: 'l_elbow_flex_joint', lower: -2.3213, upper: 0, velocity: 3.3, acceleration: null, jerk: null },
      {
        name: 'l_forearm_roll_joint',
        lower: -6.283185,
        upper: 6.283185,
        velocity: 3.6,
        acceleration: null,
        jerk: null,
        continuous: true,
      },
      { name: 'l_wrist_flex_joint', lower: -2.18, upper: 0, velocity: 3.078, acceleration: null, jerk: null },
      {
        name: 'l_wrist_roll_joint',
        lower: -6.283185,
        upper: 6.283185,
        velocity: 3.6,
        acceleration: null,
        jerk: null,
        continuous: true,
      },
    ],
    reach_m: 0.881,
    payload_kg: 1.8,
    tcp_speed_m_s: null,
    gripper: {
      kind: 'parallel_jaw',
      model: 'PR2 gripper',
      range_m: [0, 0.09],
      max_speed_m_s: 0.2,
      source: 'pr2_description/urdf/gripper_v0/gripper.urdf.xacro',
    },
    source: [
      'github:PR2/pr2_common@c36a5c9 pr2_description/urdf/{shoulder_v0,upper_arm_v0,forearm_v0}/*.urdf.xacro, common.xacro VELOCITY_LIMIT_SCALE=0.6',
      'github:mdicicco/robot_arm_data@c26da92 data/robot_arm_data.csv (third-party catalogue; reach/payload)',
    ],
    notes:
      'Left arm (reflect=+1); right arm mirrors pan/roll. Velocities already include the 0.6 scale. Origin of safety_controller k_position=100, k_velocity=2..10 with 0.1-0.17 rad soft margins.',
    confidence: {
      joint_positions: 'vendor_repo',
      joint_velocities: 'vendor_repo',
      reach_payload: 'third_party_catalogue',
    },
  },
];
