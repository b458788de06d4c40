import type { ActionSpace } from './vocabulary.js';

/** Which entries of the state vector are the tool pose: x y z (metres), roll pitch yaw (radians), gripper (0 closed, 1 open). */
export interface PoseIndices {
  position: [number, number, number];
  rotation: [number, number, number];
  gripper: number;
}

export interface ActionConvention {
  frame: 'base' | 'tool';
  rotation: 'euler_xyz' | 'rotvec';
  gripper: 'absolute_0_closed_1_open';
  /** nil: the state holds no pose, so deltas are used by age (L3). */
  pose: PoseIndices | null;
  /**
   * Which entries of the state vector are the robot's joints (radians), in its record's order; one more is the gripper (0 closed,
   * 1 open). Without it a joint space takes the first entries, and `ee_delta` knows no joints.
   */
  joints?: number[];
}

export interface CameraInput {
  name: string;
  width: number;
  height: number;
}

/** What a policy takes and gives: the `opened.model` map, and what a bundle's `describe()` returns. */
export interface ModelDescription {
  id: string;
  version: string;
  action_space: ActionSpace;
  action_dim: number;
  /** H: actions in one chunk. */
  chunk_size: number;
  inputs: {
    cameras: CameraInput[];
    state: { dim: number; names: string[] };
    text: { max_words: number };
  };
  action: ActionConvention;
}
