import { checkActionValues, NORMALISED_BOUND } from '@sinew/contracts';
import { checkInput, modelError, refuse } from '../backend/check-input.js';
import type { ActionPrefix, PolicyInput, PolicyOutput } from '../backend/policy-backend.js';
import type { Bundle } from '../bundle/bundle.js';
import { type Affine, applyAffine, normalizedTo1, normalizer, unnormalizer } from '../bundle/normalization.js';
import { isRowBytes } from '../image/write-row.js';
import type { BatchLayout } from './batch-layout.js';
import { type BatchMessage, IMAGE_FIELDS, type WorkerMessage } from './messages.js';

export interface FilledBatch {
  readonly message: BatchMessage;
  /** Input of each row that was filled. */
  readonly inputs: readonly number[];
  /** What was refused before the batch, by input; the others are undefined. */
  readonly outputs: (PolicyOutput | undefined)[];
}

/** Turns inputs into a batch message and the worker's result into outputs: tokens, tables and bytes, no computing. */
export class BatchFiller {
  readonly #bundle: Bundle;
  readonly #layout: BatchLayout;
  readonly #normalize: Affine | null;
  readonly #unnormalize: Affine | null;
  /** Which entries of an action the graph gives within ±1, as the bundle declares; null: none. */
  readonly #normalized: readonly boolean[] | null;

  constructor(bundle: Bundle, layout: BatchLayout) {
    const { normalization, inputs, action_dim } = bundle.manifest;
    this.#bundle = bundle;
    this.#layout = layout;
    this.#normalize = normalizer(normalization.state, inputs.state.dim);
    this.#unnormalize = unnormalizer(normalization.action, action_dim);
    this.#normalized = normalizedTo1(normalization.action, action_dim);
  }

  /** Image bytes are copied, so the inputs can be run again should the worker die. `spare` buffers are used where they fit. */
  fill(id: number, inputs: readonly PolicyInput[], spare: { slab?: ArrayBuffer; staging?: ArrayBuffer }): FilledBatch {
    const { manifest } = this.#bundle;
    const outputs: (PolicyOutput | undefined)[] = [];
    const filled: number[] = [];
    for (const [i, input] of inputs.entries()) {
      const refusal = checkInput(manifest, input);
      outputs.push(refusal ?? undefined);
      if (refusal === null) filled.push(i);
    }
    const slab = spare.slab ?? new ArrayBuffer(this.#layout.byteLength);
    const views = this.#layout.viewsBorrow(slab);
    const images: number[] = [];
    const sources: Uint8Array[] = [];
    let staged = 0;
    for (const [row, i] of filled.entries()) {
      const input = inputs[i];
      if (input === undefined) continue;
      const state = views.state.subarray(row * this.#layout.state.row, (row + 1) * this.#layout.state.row);
      state.set(input.state);
      if (this.#normalize !== null) applyAffine(state, this.#normalize);
      this.#writeTokens(views.tokens, row, this.#bundle.tokenize(input.instruction));
      if (views.prefix !== null) this.#writePrefix(views.prefix, row, input.prefix);
      for (const [index, camera] of manifest.inputs.cameras.entries()) {
        const image = input.images[camera.name];
        const tensor = views.cameras[index];
        if (image === undefined || tensor === undefined) continue;
        if (image.kind === 'rgb8' && isRowBytes(camera, image.width, image.height)) {
          tensor.set(image.data, row * (this.#layout.cameras[index]?.row ?? 0));
          continue;
        }
        const { length } = image.data;
        const [width, height] = image.kind === 'rgb8' ? [image.width, image.height] : [0, 0];
        images.push(row, index, staged, length, width, height);
        sources.push(image.data);
        staged += length;
      }
    }
    const staging = staged === 0 ? null : stagingOf(staged, spare.staging);
    if (staging !== null) {
      const bytes = new Uint8Array(staging);
      sources.forEach((source, i) => {
        bytes.set(source, images[i * IMAGE_FIELDS + 2]);
      });
    }
    return { message: { kind: 'batch', id, size: filled.length, slab, staging, images }, inputs: filled, outputs };
  }

  /** The outputs in the order of the inputs, complete. Chunks are copied out of the slab, which is used again. */
  read(batch: FilledBatch, result: Extract<WorkerMessage, { kind: 'result' }>): PolicyOutput[] {
    const { outputs, inputs } = batch;
    const chunks = this.#layout.viewsBorrow(result.slab).output;
    const { row: length } = this.#layout.output;
    for (const [at, row] of result.rows.entries()) {
      const actions = chunks.slice(at * length, (at + 1) * length);
      outputs[inputs[row] ?? -1] = this.#output(actions);
    }
    for (const { row, code, field, reason } of result.faults) {
      outputs[inputs[row] ?? -1] =
        code === 'validation_failed'
          ? { ...refuse(field ?? 'images', reason), rule: 'image.undecodable' }
          : modelError(reason);
    }
    return outputs.map((output) => output ?? modelError('the worker gave no output'));
  }

  /** A chunk as the graph gave it, in physical units. */
  #output(actions: Float32Array): PolicyOutput {
    const broken = checkActionValues(actions, this.#normalized);
    if (broken === 'action.not_normalised')
      return modelError(`the policy gave an action beyond ±${NORMALISED_BOUND} of its normalised range`, broken);
    if (this.#unnormalize !== null) applyAffine(actions, this.#unnormalize);
    // Scaled up, a number may be too large for a float32.
    return broken === null && (this.#unnormalize === null || checkActionValues(actions, null) === null)
      ? { ok: true, actions }
      : modelError('the policy gave an action that is not finite', 'action.not_finite');
  }

  /** The slab is used again: no prefix is written too. */
  #writePrefix({ actions, weights }: ActionPrefix, row: number, prefix: ActionPrefix | undefined): void {
    const { chunk_size, action_dim } = this.#bundle.manifest;
    const [h, values] = [chunk_size, chunk_size * action_dim];
    if (prefix === undefined) {
      actions.fill(0, row * values, (row + 1) * values);
      weights.fill(0, row * h, (row + 1) * h);
      return;
    }
    actions.set(prefix.actions, row * values);
    weights.set(prefix.weights, row * h);
  }

  #writeTokens(tokens: Int32Array | BigInt64Array, row: number, ids: Int32Array): void {
    const start = row * this.#layout.tokens.row;
    if (tokens instanceof Int32Array) tokens.set(ids, start);
    else for (const [i, id] of ids.entries()) tokens[start + i] = BigInt(id);
  }
}

/** Room for `bytes`: the spare buffer where it is large enough and not wastefully so, else a new one. */
function stagingOf(bytes: number, spare: ArrayBuffer | undefined): ArrayBuffer {
  if (spare !== undefined && spare.byteLength >= bytes && spare.byteLength <= bytes * 16) return spare;
  return new ArrayBuffer(2 ** Math.ceil(Math.log2(bytes)));
}
