// biome-ignore-all lint/suspicious/noApproximativeNumericConstant: figures as their sources print them
import { findRobot } from '@sinew/robots';
import { describe, expect, it } from 'vitest';
import { Pose } from '../target.js';
import { kinematicsOf } from './kinematics.js';

interface SecondSource {
  readonly id: string;
  /** Where the other description of the arm is; its frames were chained numerically, by other code. */
  readonly source: string;
  /** Joints (rad), then the tool centre point (m) and the directions of its x and z axes, to six digits. */
  readonly poses: readonly (readonly [q: number[], position: number[], x: number[], z: number[]])[];
}

const SECOND_SOURCES: readonly SecondSource[] = [
  {
    id: 'franka_panda',
    source:
      'github:google-deepmind/mujoco_menagerie@1b428b0 franka_emika_panda/panda.xml; hand_tcp 0.1034 from franka_description',
    poses: [
      [
        [0, -0.785, 0, -2.356, 0, 1.571, 0.785],
        [0.30702, 0, 0.48687],
        [1, 0.000398, 0],
        [0, 0, -1],
      ],
      [
        [0.4, 0.3, -0.7, -1.9, 0.6, 2.1, -0.5],
        [0.611146, -0.102779, 0.27999],
        [0.749176, 0.597843, 0.285165],
        [0.131767, 0.2874, -0.948704],
      ],
    ],
  },
  {
    id: 'kuka_lbr_iiwa14',
    source: 'github:google-deepmind/mujoco_menagerie@28ffb48 kuka_iiwa_14/iiwa14.xml',
    poses: [
      [
        [0, 0.785, 0, -1.571, 0, 0, 0],
        [0.668877, 0, 0.285237],
        [-0.706969, 0, -0.707244],
        [0.707244, 0, -0.706969],
      ],
      [
        [0.4, 0.3, -0.7, -1.9, 0.6, 1.1, -0.5],
        [0.439268, -0.043249, 0.433186],
        [-0.994256, 0.090858, -0.056571],
        [0.08287, 0.319, -0.944125],
      ],
    ],
  },
  {
    id: 'ufactory_xarm7',
    source: 'github:google-deepmind/mujoco_menagerie@45bb7fe ufactory_xarm7/xarm7_nohand.xml',
    poses: [
      [
        [0, -0.247, 0, 0.909, 0, 1.15644, 0],
        [0.399915, 0, 0.399809],
        [1, 0, -0.00044],
        [-0.00044, 0, -1],
      ],
      [
        [0.4, 0.3, -0.7, 1.9, 0.6, 1.1, -0.5],
        [0.571815, -0.063409, 0.606407],
        [0.77394, 0.086993, 0.627256],
        [0.602083, 0.205879, -0.771434],
      ],
    ],
  },
  {
    id: 'kinova_gen3_7dof',
    source: 'github:google-deepmind/mujoco_menagerie@3966424 kinova_gen3/gen3.xml',
    poses: [
      [
        [0, 0.26179939, 3.14159265, -2.26892803, 0, 0.95993109, 1.57079633],
        [0.456665, 0.00135, 0.433724],
        [0, 1, 0],
        [1, 0, 0],
      ],
      [
        [0.4, 0.3, -0.7, -1.9, 0.6, 1.1, -0.5],
        [-0.244511, -0.276326, 0.751345],
        [0.681978, 0.23575, 0.692335],
        [-0.331336, -0.744321, 0.579831],
      ],
    ],
  },
  {
    id: 'trossen_widowx_250s',
    source:
      'github:google-deepmind/mujoco_menagerie@3ff2857 trossen_wx250s/wx250s.xml; fingers to ee_gripper_link 0.027575 from the vendor',
    poses: [
      [
        [0, -0.96, 1.16, 0, -0.3, 0],
        [0.226534, 0, 0.260949],
        [0.995004, 0, 0.099833],
        [-0.099833, 0, 0.995004],
      ],
      [
        [0.4, 0.3, -0.7, -0.9, 0.6, 1.1],
        [0.482219, 0.12773, 0.431838],
        [0.998307, -0.058129, -0.00188],
        [-0.015051, -0.289439, 0.957078],
      ],
    ],
  },
  {
    id: 'rethink_sawyer',
    source: 'github:google-deepmind/mujoco_menagerie@28ffb48 rethink_robotics_sawyer/sawyer.xml',
    poses: [
      [
        [0, -1.18, 0, 2.18, 0, 0.57, 3.1],
        [0.449598, 0.1603, 0.215754],
        [-0.214444, 0.976736, -0.00017],
        [0.000789, -1e-6, -1],
      ],
      [
        [0.4, 0.3, -0.7, -1.9, 0.6, 1.1, -0.5],
        [0.214313, 0.619399, 0.553458],
        [0.369546, -0.096605, 0.924177],
        [0.216846, 0.976086, 0.015322],
      ],
    ],
  },
  {
    id: 'ur3',
    source: 'github:UniversalRobots/Universal_Robots_ROS2_Description@2221ec0 config/ur3/default_kinematics.yaml',
    poses: [
      [
        [-1.5708, -1.5708, 1.5708, -1.5708, -1.5708, 0],
        [-0.112349, 0.2986, 0.31365],
        [1, -4e-6, 4e-6],
        [4e-6, 4e-6, -1],
      ],
      [
        [0.4, -1.3, 0.7, -1.9, 0.6, 1.1],
        [-0.16499, -0.265124, 0.603134],
        [0.31475, -0.144996, -0.938035],
        [0.738052, -0.584027, 0.337923],
      ],
    ],
  },
  {
    id: 'ur5',
    source: 'github:UniversalRobots/Universal_Robots_ROS2_Description@2221ec0 config/ur5/default_kinematics.yaml',
    poses: [
      [
        [-1.5708, -1.5708, 1.5708, -1.5708, -1.5708, 0],
        [-0.109148, 0.486899, 0.431859],
        [1, -4e-6, 4e-6],
        [4e-6, 4e-6, -1],
      ],
      [
        [0.4, -1.3, 0.7, -1.9, 0.6, 1.1],
        [-0.351822, -0.340999, 0.823792],
        [0.31475, -0.144996, -0.938035],
        [0.738052, -0.584027, 0.337923],
      ],
    ],
  },
  {
    id: 'ur10',
    source: 'github:UniversalRobots/Universal_Robots_ROS2_Description@2221ec0 config/ur10/default_kinematics.yaml',
    poses: [
      [
        [-1.5708, -1.5708, 1.5708, -1.5708, -1.5708, 0],
        [-0.163938, 0.687999, 0.6471],
        [1, -4e-6, 4e-6],
        [4e-6, 4e-6, -1],
      ],
      [
        [0.4, -1.3, 0.7, -1.9, 0.6, 1.1],
        [-0.517727, -0.479501, 1.163991],
        [0.31475, -0.144996, -0.938035],
        [0.738052, -0.584027, 0.337923],
      ],
    ],
  },
  {
    id: 'ur3e',
    source: 'github:UniversalRobots/Universal_Robots_ROS2_Description@2221ec0 config/ur3e/default_kinematics.yaml',
    poses: [
      [
        [-1.5708, -1.5708, 1.5708, -1.5708, -1.5708, 0],
        [-0.131049, 0.29855, 0.3033],
        [1, -4e-6, 4e-6],
        [4e-6, 4e-6, -1],
      ],
      [
        [0.4, -1.3, 0.7, -1.9, 0.6, 1.1],
        [-0.150117, -0.288278, 0.606407],
        [0.31475, -0.144996, -0.938035],
        [0.738052, -0.584027, 0.337923],
      ],
    ],
  },
  {
    id: 'ur5e',
    source: 'github:UniversalRobots/Universal_Robots_ROS2_Description@2221ec0 config/ur5e/default_kinematics.yaml',
    poses: [
      [
        [0, 0, 0, 0, 0, 0],
        [-0.8172, -0.2329, 0.0628],
        [1, 0, 0],
        [0, -1, 0],
      ],
      [
        [-1.5708, -1.5708, 1.5708, -1.5708, -1.5708, 0],
        [-0.133298, 0.491899, 0.4879],
        [1, -4e-6, 4e-6],
        [4e-6, 4e-6, -1],
      ],
      [
        [0.4, -1.3, 0.7, -1.9, 0.6, 1.1],
        [-0.332395, -0.374507, 0.906996],
        [0.31475, -0.144996, -0.938035],
        [0.738052, -0.584027, 0.337923],
      ],
    ],
  },
  {
    id: 'ur10e',
    source: 'github:UniversalRobots/Universal_Robots_ROS2_Description@2221ec0 config/ur10e/default_kinematics.yaml',
    poses: [
      [
        [-1.5708, -1.5708, 1.5708, -1.5708, -1.5708, 0],
        [-0.174147, 0.691399, 0.67685],
        [1, -4e-6, 4e-6],
        [4e-6, 4e-6, -1],
      ],
      [
        [0.4, -1.3, 0.7, -1.9, 0.6, 1.1],
        [-0.49767, -0.503924, 1.229195],
        [0.31475, -0.144996, -0.938035],
        [0.738052, -0.584027, 0.337923],
      ],
    ],
  },
  {
    id: 'ur16e',
    source: 'github:UniversalRobots/Universal_Robots_ROS2_Description@2221ec0 config/ur16e/default_kinematics.yaml',
    poses: [
      [
        [-1.5708, -1.5708, 1.5708, -1.5708, -1.5708, 0],
        [-0.174148, 0.479849, 0.54255],
        [1, -4e-6, 4e-6],
        [4e-6, 4e-6, -1],
      ],
      [
        [0.4, -1.3, 0.7, -1.9, 0.6, 1.1],
        [-0.303764, -0.421942, 0.980339],
        [0.31475, -0.144996, -0.938035],
        [0.738052, -0.584027, 0.337923],
      ],
    ],
  },
  {
    id: 'ur20',
    source: 'github:UniversalRobots/Universal_Robots_ROS2_Description@2221ec0 config/ur20/default_kinematics.yaml',
    poses: [
      [
        [-1.5708, -1.5708, 1.5708, -1.5708, -1.5708, 0],
        [-0.200996, 0.887998, 0.944001],
        [1, -4e-6, 4e-6],
        [4e-6, 4e-6, -1],
      ],
      [
        [0.4, -1.3, 0.7, -1.9, 0.6, 1.1],
        [-0.661985, -0.636373, 1.658106],
        [0.31475, -0.144996, -0.938035],
        [0.738052, -0.584027, 0.337923],
      ],
    ],
  },
];

describe('geometry against a second source', () => {
  it.each(SECOND_SOURCES)('[Q4] $id agrees with $source', ({ id, poses }) => {
    const kinematics = kinematicsOf(findRobot(id)!)!;
    for (const [q, position, x, z] of poses) {
      const pose = kinematics.pose(Float64Array.from(q), new Pose());
      const { w, x: i, y: j, z: k } = pose.quat;
      const near = (actual: readonly number[], expected: readonly number[], tolerance: number): void => {
        expect(Math.hypot(...actual.map((value, n) => value - expected[n]!))).toBeLessThan(tolerance);
      };
      near([pose.position.x, pose.position.y, pose.position.z], position, 2e-6);
      near([1 - 2 * (j * j + k * k), 2 * (i * j + w * k), 2 * (i * k - w * j)], x, 1e-5);
      near([2 * (i * k + w * j), 2 * (j * k - w * i), 1 - 2 * (i * i + j * j)], z, 1e-5);
    }
  });
});
