import type { ModelDescription } from '@sinew/protocol';
import type { RemoteModel } from '../remote/remote-model.js';
import type { Script } from '../script/script.js';
import type { Manifest } from './manifest.js';

/** A policy that was checked and can be served. */
export interface Bundle {
  /** Its folder; empty for a policy without files. */
  readonly dir: string;
  readonly manifest: Manifest;
  /** The execution horizon in ticks: the manifest's, else half a chunk. */
  readonly execute: number;
  /** Absolute path of the graph; empty for a policy without one. */
  readonly graphPath: string;
  /** What it plays instead of running a graph: `backend: "script"`. */
  readonly script?: Script;
  /** Who runs it instead of this process: `backend: "kserve"` or `"openpi"`. */
  readonly remote?: RemoteModel;
  /** What `opened.model` tells a client. */
  describe(): ModelDescription;
  /** [inputs.text.length] token ids; shared, do not write to it. */
  tokenize(instruction: string): Int32Array;
}

export function executionHorizon(manifest: Manifest): number {
  return manifest.execute ?? Math.max(1, Math.floor(manifest.chunk_size / 2));
}

export function describeModel(manifest: Manifest): ModelDescription {
  const { inputs } = manifest;
  const { joints, pose, ...action } = manifest.action;
  return {
    id: manifest.id,
    version: manifest.version,
    action_space: manifest.action_space,
    action_dim: manifest.action_dim,
    chunk_size: manifest.chunk_size,
    inputs: {
      cameras: inputs.cameras.map(({ name, width, height }) => ({ name, width, height })),
      state: { dim: inputs.state.dim, names: [...inputs.state.names] },
      text: { max_words: inputs.text.length },
    },
    action: {
      ...action,
      pose: pose === null ? null : structuredClone(pose),
      ...(joints === undefined ? {} : { joints: [...joints] }),
    },
  };
}
