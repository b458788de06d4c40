import type { Manifest } from '../bundle/manifest.js';
import type { RowFault } from './messages.js';

/** Tensors begin at multiples of this, so that typed arrays and vector loads are aligned. */
const ALIGNMENT = 64;

interface Region {
  readonly offset: number;
  /** Elements of one row (one input of the batch). */
  readonly row: number;
}

export interface BatchViews {
  readonly cameras: readonly (Uint8Array | Float32Array)[];
  readonly state: Float32Array;
  readonly tokens: Int32Array | BigInt64Array;
  readonly prefix: { readonly actions: Float32Array; readonly weights: Float32Array } | null;
  readonly output: Float32Array;
}

/**
 * Where the tensors of one batch lie in one ArrayBuffer, the slab. It travels between gateway and worker by transfer and
 * back for reuse: an `rgb8` frame is copied once, from its network frame into the tensor that the graph reads.
 * (The binding refuses tensors over SharedArrayBuffer.)
 */
export class BatchLayout {
  readonly rows: number;
  readonly byteLength: number;
  readonly cameras: readonly Region[];
  readonly state: Region;
  readonly tokens: Region;
  /** Null where the policy takes none. */
  readonly prefix: { readonly actions: Region; readonly weights: Region } | null;
  readonly output: Region;
  readonly #manifest: Manifest;

  constructor(manifest: Manifest, rows: number) {
    const { inputs } = manifest;
    this.#manifest = manifest;
    this.rows = rows;
    let end = 0;
    const region = (row: number, elementBytes: number): Region => {
      const offset = end;
      end += Math.ceil((row * elementBytes * rows) / ALIGNMENT) * ALIGNMENT;
      return { offset, row };
    };
    this.cameras = inputs.cameras.map((c) => region(c.width * c.height * 3, c.dtype === 'uint8' ? 1 : 4));
    this.state = region(inputs.state.dim, 4);
    this.tokens = region(inputs.text.length, inputs.text.dtype === 'int32' ? 4 : 8);
    const values = manifest.chunk_size * manifest.action_dim;
    this.prefix =
      inputs.prefix === undefined ? null : { actions: region(values, 4), weights: region(manifest.chunk_size, 4) };
    this.output = region(values, 4);
    this.byteLength = end;
  }

  /** The tensors of the first `rows` inputs; they borrow `slab`. */
  viewsBorrow(slab: ArrayBuffer, rows = this.rows): BatchViews {
    const { cameras, text } = this.#manifest.inputs;
    const float = (r: Region) => new Float32Array(slab, r.offset, r.row * rows);
    return {
      cameras: this.cameras.map((r, i) =>
        cameras[i]?.dtype === 'float32' ? float(r) : new Uint8Array(slab, r.offset, r.row * rows),
      ),
      state: float(this.state),
      tokens:
        text.dtype === 'int32'
          ? new Int32Array(slab, this.tokens.offset, this.tokens.row * rows)
          : new BigInt64Array(slab, this.tokens.offset, this.tokens.row * rows),
      prefix:
        this.prefix === null ? null : { actions: float(this.prefix.actions), weights: float(this.prefix.weights) },
      output: float(this.output),
    };
  }
}

/** Moves one input's row in every tensor but the output, so that the rows to run are the first ones. */
function moveRow(views: BatchViews, layout: BatchLayout, from: number, to: number): void {
  views.cameras.forEach((tensor, i) => {
    const row = layout.cameras[i]?.row ?? 0;
    tensor.copyWithin(to * row, from * row, (from + 1) * row);
  });
  const move = (tensor: BatchViews['state' | 'tokens'], { row }: Region): void => {
    tensor.copyWithin(to * row, from * row, (from + 1) * row);
  };
  move(views.state, layout.state);
  move(views.tokens, layout.tokens);
  if (views.prefix === null || layout.prefix === null) return;
  move(views.prefix.actions, layout.prefix.actions);
  move(views.prefix.weights, layout.prefix.weights);
}

/** Brings the inputs without a fault to the front. Answers which input each row is. */
export function compactRows(
  layout: BatchLayout,
  slab: ArrayBuffer,
  size: number,
  faults: readonly RowFault[],
): number[] {
  if (faults.length === 0) return Array.from({ length: size }, (_, row) => row);
  const bad = new Set(faults.map(({ row }) => row));
  const views = layout.viewsBorrow(slab, size);
  const rows: number[] = [];
  for (let row = 0; row < size; row++) {
    if (bad.has(row)) continue;
    if (row !== rows.length) moveRow(views, layout, row, rows.length);
    rows.push(row);
  }
  return rows;
}
