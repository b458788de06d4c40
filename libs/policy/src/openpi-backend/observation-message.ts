import { encodeOpenpi, float32Array, type OpenpiValue, uint8Array } from '@sinew/protocol/openpi';
import type { Manifest } from '../bundle/manifest.js';
import type { BatchLayout, BatchViews } from '../onnx/batch-layout.js';
import { pathOf, stateParts } from '../remote/remote-manifest.js';
import type { Key, OpenpiModel } from '../remote/remote-model.js';

interface Branch {
  [key: string]: OpenpiValue | Branch;
}

/** Builds the observation maps of one policy: which image, which part of the state and the words go under which key. */
export class ObservationMessage {
  readonly #manifest: Manifest;
  readonly #model: OpenpiModel;
  readonly #layout: BatchLayout;
  readonly #state: ReturnType<typeof stateParts>;

  constructor(manifest: Manifest, model: OpenpiModel, layout: BatchLayout) {
    this.#manifest = manifest;
    this.#model = model;
    this.#layout = layout;
    this.#state = stateParts(model.keys.state, manifest.inputs.state.dim);
  }

  /** Row `row` of a batch, as the server reads it. */
  encode(views: BatchViews, row: number, prompt: string): Uint8Array {
    const { keys, constants } = this.#model;
    const observation: Branch = { ...constants };
    for (const [i, camera] of this.#manifest.inputs.cameras.entries()) {
      const pixels = camera.width * camera.height * 3;
      const bytes = views.cameras[i]?.subarray(row * pixels, (row + 1) * pixels);
      if (!(bytes instanceof Uint8Array)) continue;
      const { width, height } = camera;
      const shape = camera.layout === 'nhwc' ? [height, width, 3] : [3, height, width];
      put(observation, keys.cameras[camera.name] ?? camera.name, uint8Array(shape, bytes));
    }
    const { row: dim } = this.#layout.state;
    const state = views.state.subarray(row * dim, (row + 1) * dim);
    for (const { key, entries } of this.#state) {
      const values = entries.map((entry) => state[entry] ?? 0);
      put(observation, key, float32Array([values.length], values));
    }
    put(observation, keys.prompt, prompt);
    return encodeOpenpi(observation as { [key: string]: OpenpiValue });
  }
}

function put(map: Branch, key: Key, value: OpenpiValue): void {
  const path = [...pathOf(key)];
  const last = path.pop() ?? '';
  let at = map;
  for (const name of path) {
    const next = Object.hasOwn(at, name) ? (at[name] as Branch) : {};
    at[name] = next;
    at = next;
  }
  at[last] = value;
}
