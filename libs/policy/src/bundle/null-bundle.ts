import { type Bundle, describeModel, executionHorizon } from './bundle.js';
import { Manifest } from './manifest.js';

const STATE_NAMES = ['x', 'y', 'z', 'roll', 'pitch', 'yaw', 'gripper'];
const NO_TOKENS = new Int32Array(16);

/** The policy `null`: the inputs and outputs of a one-camera 7-DoF arm policy, but no graph. For `createNullBackend`. */
export function nullBundle(): Bundle {
  const manifest = Manifest.parse({
    id: 'null',
    version: '1',
    license: 'MIT',
    action_space: 'ee_delta',
    action_dim: 7,
    chunk_size: 8,
    control_hz: 10,
    execute: 4,
    smoothing: 'none',
    action: {
      frame: 'base',
      rotation: 'euler_xyz',
      gripper: 'absolute_0_closed_1_open',
      pose: { position: [0, 1, 2], rotation: [3, 4, 5], gripper: 6 },
    },
    graph: 'none',
    inputs: {
      cameras: [{ name: 'main', tensor: 'image', width: 96, height: 96 }],
      state: { tensor: 'state', dim: 7, names: STATE_NAMES },
      text: { tensor: 'tokens', tokenizer: 'words', vocabulary: 'none', length: NO_TOKENS.length },
    },
    output: { tensor: 'actions' },
    batch: { max: 64 },
    embodiments: ['franka_panda'],
    sha256: {},
  });
  return {
    dir: '',
    manifest,
    execute: executionHorizon(manifest),
    graphPath: '',
    describe: () => describeModel(manifest),
    tokenize: () => NO_TOKENS,
  };
}
