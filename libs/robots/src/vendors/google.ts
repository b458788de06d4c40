import type { RobotFigures } from '../schema.js';

export const GOOGLE: readonly RobotFigures[] = [
  {
    id: 'google_robot_rt1',
    vendor: 'Google / Everyday Robots',
    model: 'Google robot (RT-1) arm',
    dof: 7,
    joints: [
      { name: 'joint_torso', lower: -4.49, upper: 1.35, velocity: 2, acceleration: 2, jerk: 51 },
      { name: 'joint_shoulder', lower: -2.66, upper: 3.18, velocity: 2, acceleration: 2, jerk: 51 },
      { name: 'joint_bicep', lower: -2.13, upper: 3.71, velocity: 2, acceleration: 2, jerk: 51 },
      { name: 'joint_elbow', lower: -2.05, upper: 3.79, velocity: 2.5, acceleration: 2, jerk: 51 },
      { name: 'joint_forearm', lower: -2.92, upper: 2.92, velocity: 3, acceleration: 2, jerk: 51 },
      { name: 'joint_wrist', lower: -1.79, upper: 1.79, velocity: 3, acceleration: 2, jerk: 51 },
      { name: 'joint_gripper', lower: -4.49, upper: 1.35, velocity: 3, acceleration: 2, jerk: 51 },
    ],
    reach_m: null,
    payload_kg: null,
    tcp_speed_m_s: null,
    gripper: {
      kind: 'two_finger_revolute',
      range_rad: [0, 1.3],
      max_speed_rad_s: 1.3,
      source: 'same URDF joint_finger_right/left; SimplerEnv googlerobot.py get_gripper_closedness',
    },
    source: [
      'github:simpler-env/ManiSkill2_real2sim@ef7a4d4 mani_skill2_real2sim/assets/descriptions/googlerobot_description/google_robot_meta_sim_fix_fingertip.urdf',
    ],
    notes:
      'Simulation URDF published for SimplerEnv, carries velocity/acceleration/jerk attributes; not a vendor datasheet. Base wheels and head excluded. Reach/payload unpublished.',
    reach_computed_m: 0.892,
    reach_computed_to: 'joint_gripper child frame',
    confidence: { joint_positions: 'community_or_sim', joint_velocities: 'community_or_sim', reach_payload: null },
  },
];
