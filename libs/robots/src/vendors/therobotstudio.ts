import type { RobotFigures } from '../schema.js';

export const THEROBOTSTUDIO: readonly RobotFigures[] = [
  {
    id: 'so100',
    vendor: 'TheRobotStudio / Hugging Face',
    model: 'SO-100',
    dof: 5,
    joints: [
      { name: 'shoulder_pan', lower: -2, upper: 2, velocity: 5.454, acceleration: null, jerk: null },
      { name: 'shoulder_lift', lower: 0, upper: 3.5, velocity: 5.454, acceleration: null, jerk: null },
      { name: 'elbow_flex', lower: -3.14158, upper: 0, velocity: 5.454, acceleration: null, jerk: null },
      { name: 'wrist_flex', lower: -2.5, upper: 1.2, velocity: 5.454, acceleration: null, jerk: null },
      { name: 'wrist_roll', lower: -3.14158, upper: 3.14158, velocity: 5.454, acceleration: null, jerk: null },
    ],
    reach_m: null,
    payload_kg: null,
    tcp_speed_m_s: null,
    gripper: { kind: 'revolute_jaw', range_rad: [-0.2, 2], source: 'Simulation/SO100/so100.urdf' },
    source: [
      'github:TheRobotStudio/SO-ARM100@fda892c Simulation/SO100/so100.urdf',
      'LeRobot so_follower.py (6 x STS3215)',
      'qiita.com/srs/items/5664b3adfea889763a98 (STS3215 max 0.192 s/60deg)',
    ],
    notes:
      'velocity 5.454 rad/s = STS3215 no-load maximum (hobby servo, unverified secondary source; leader gears differ). URDF velocity attribute is 1 rad/s (exporter value). mujoco_menagerie trs_so_arm100 uses a different zero and different ranges (+-2.2, -3.14..0.2, 0..3.14, -2.0..1.8, +-3.14). LeRobot commands degrees or -100..100 normalised units per calibration - unit trap. gripper excluded from dof.',
    reach_computed_m: 0.311,
    reach_computed_to: 'wrist_roll child frame',
    confidence: { joint_positions: 'vendor_repo', joint_velocities: 'servo_no_load_rating', reach_payload: null },
  },
  {
    id: 'so101',
    vendor: 'TheRobotStudio / Hugging Face',
    model: 'SO-101',
    dof: 5,
    joints: [
      { name: 'shoulder_pan', lower: -1.91986, upper: 1.91986, velocity: 5.454, acceleration: null, jerk: null },
      { name: 'shoulder_lift', lower: -1.74533, upper: 1.74533, velocity: 5.454, acceleration: null, jerk: null },
      { name: 'elbow_flex', lower: -1.69, upper: 1.69, velocity: 5.454, acceleration: null, jerk: null },
      { name: 'wrist_flex', lower: -1.65806, upper: 1.65806, velocity: 5.454, acceleration: null, jerk: null },
      { name: 'wrist_roll', lower: -2.74385, upper: 2.84121, velocity: 5.454, acceleration: null, jerk: null },
    ],
    reach_m: null,
    payload_kg: null,
    tcp_speed_m_s: null,
    gripper: { kind: 'revolute_jaw', range_rad: [-0.174533, 1.74533], source: 'Simulation/SO101/so101_new_calib.urdf' },
    source: [
      'github:TheRobotStudio/SO-ARM100@fda892c Simulation/SO101/so101_new_calib.urdf',
      'LeRobot so_follower.py (6 x STS3215)',
      'qiita.com/srs/items/5664b3adfea889763a98 (STS3215 max 0.192 s/60deg)',
    ],
    notes:
      'velocity 5.454 rad/s = STS3215 no-load maximum (hobby servo, unverified secondary source; leader gears differ). URDF velocity attribute is 10 rad/s (exporter placeholder). new_calib zero = mid-range; old_calib URDF has shifted ranges. LeRobot commands degrees or -100..100 normalised units per calibration - unit trap. gripper excluded from dof.',
    reach_computed_m: 0.313,
    reach_computed_to: 'wrist_roll child frame',
    confidence: { joint_positions: 'vendor_repo', joint_velocities: 'servo_no_load_rating', reach_payload: null },
  },
];
