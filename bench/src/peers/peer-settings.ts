import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Bundle } from '@sinew/policy';

/** The names of an observation's fields on the openpi wire. */
export const KEYS = { image: 'observation/image', state: 'observation/state', prompt: 'prompt' } as const;

/** What the two servers that are not ours are told, as JSON on their command line: which graph, and what goes where. */
export interface PeerSettings {
  /** Of the graph, within one operator. */
  readonly threads: number;
  /** [H, D] */
  readonly chunk: readonly [number, number];
  /** Null: a fixed chunk. */
  readonly graph: string | null;
  readonly output: string;
  /** Key on the wire → tensor. */
  readonly images: Readonly<Record<string, string>>;
  readonly state: Readonly<Record<string, string>>;
  readonly prompt: {
    readonly key: string;
    readonly tensor: string;
    readonly vocabulary: Readonly<Record<string, number>>;
    readonly length: number;
    readonly pad: number;
    readonly unknown: number;
  };
}

/** For a bundle of one camera whose frames come in the policy's own size, and whose tables are in the graph. */
export async function peerSettings({ dir, graphPath, manifest }: Bundle, threads: number): Promise<PeerSettings> {
  const { chunk_size, action_dim, inputs, output, normalization } = manifest;
  const [camera] = inputs.cameras;
  if (camera === undefined || inputs.cameras.length > 1) throw new Error(`${manifest.id} has several cameras`);
  if (normalization.state !== 'graph' || normalization.action !== 'graph')
    throw new Error(`${manifest.id} has tables outside of its graph`);
  const graph = graphPath === '' ? null : graphPath;
  const words = graph === null ? [] : await wordsOf(join(dir, inputs.text.vocabulary));
  const vocabulary = Object.fromEntries(words.map((word, id) => [word, id]));
  return {
    threads,
    chunk: [chunk_size, action_dim],
    graph,
    output: output.tensor,
    images: { [KEYS.image]: camera.tensor },
    state: { [KEYS.state]: inputs.state.tensor },
    prompt: {
      key: KEYS.prompt,
      tensor: inputs.text.tensor,
      vocabulary,
      length: inputs.text.length,
      pad: vocabulary[inputs.text.pad] ?? 0,
      unknown: vocabulary[inputs.text.unknown] ?? 0,
    },
  };
}

async function wordsOf(file: string): Promise<string[]> {
  return JSON.parse(await readFile(file, 'utf8')) as string[];
}
