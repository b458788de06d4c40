import type { Manifest } from './manifest.js';

type Inputs = Manifest['inputs'];
type Camera = Omit<Inputs['cameras'][number], 'tensor' | 'dtype' | 'mean' | 'std'>;
type State = Omit<Inputs['state'], 'tensor'>;

/** Instructions have a length in every policy's description; what is done with longer ones is for whoever runs it. */
const MAX_WORDS = 64;

/** The fields of a manifest that only a graph needs, for a policy that has none here. Its tensors exist in name only. */
export function withoutGraph(
  cameras: readonly Camera[],
  state: State,
): Pick<Manifest, 'graph' | 'inputs' | 'output' | 'normalization'> {
  return {
    graph: 'none',
    inputs: {
      cameras: cameras.map((camera) => ({
        ...camera,
        tensor: `images.${camera.name}`,
        dtype: 'uint8',
        mean: [0, 0, 0],
        std: [1, 1, 1],
      })),
      state: { tensor: 'state', ...state },
      text: {
        tensor: 'tokens',
        dtype: 'int32',
        tokenizer: 'words',
        vocabulary: 'none',
        length: MAX_WORDS,
        pad: '<pad>',
        unknown: '<unk>',
      },
    },
    output: { tensor: 'actions' },
    normalization: { state: 'graph', action: 'graph' },
  };
}
