/** What one inference is answered with. */
export type ScriptEntry =
  /** Whatever stands in the file, flattened: any length, any float32, not finite ones included. */
  | { readonly kind: 'chunk'; readonly actions: Float32Array }
  /** The policy fails. */
  | { readonly kind: 'error'; readonly reason: string };

/** A file of actions, read: what a `script` bundle plays, an entry an inference. */
export interface Script {
  readonly entries: readonly ScriptEntry[];
  /** From the first entry again after the last; else every inference after it fails. */
  readonly loop: boolean;
  /** How long every answer takes, ms. */
  readonly latencyMs: number;
}

/** A file of actions that cannot be played. `line` counts from 1 in JSON lines, entries from 1 in JSON; 0: the whole file. */
export class ScriptError extends Error {
  override readonly name = 'ScriptError';
  constructor(line: number, reason: string) {
    super(line === 0 ? reason : `entry ${line}: ${reason}`);
  }
}

const WORDS: Readonly<Record<string, number>> = {
  NaN: Number.NaN,
  Infinity: Number.POSITIVE_INFINITY,
  '-Infinity': Number.NEGATIVE_INFINITY,
};

interface Shape {
  /** H and D: plain rows are cut into chunks of H. */
  readonly chunkSize: number;
  readonly dim: number;
}

/**
 * The entries of an actions file, by the ending of its name: `.json` (an array), `.jsonl` (a value a line), `.f32` (raw
 * little-endian [N·H, D]). Throws a ScriptError.
 */
export function readScript(name: string, bytes: Uint8Array, shape: Shape): ScriptEntry[] {
  const entries = read(name, bytes, shape);
  if (entries.length === 0) throw new ScriptError(0, 'the file holds no actions');
  return entries;
}

function read(name: string, bytes: Uint8Array, shape: Shape): ScriptEntry[] {
  if (name.endsWith('.f32')) return rawChunks(bytes, shape);
  const text = new TextDecoder().decode(bytes);
  if (name.endsWith('.jsonl')) {
    const lines = text.split('\n').map((line, i) => ({ at: i + 1, line: line.trim() }));
    return entriesOf(
      lines.filter(({ line }) => line !== '').map(({ at, line }) => ({ at, value: parse(line, at) })),
      shape,
    );
  }
  if (!name.endsWith('.json')) throw new ScriptError(0, 'the name must end in .json, .jsonl or .f32');
  const document = parse(text, 0);
  if (!Array.isArray(document)) throw new ScriptError(0, 'must be a JSON array');
  return entriesOf(
    document.map((value: unknown, i) => ({ at: i + 1, value })),
    shape,
  );
}

function rawChunks(bytes: Uint8Array, { chunkSize, dim }: Shape): ScriptEntry[] {
  const length = chunkSize * dim;
  if (bytes.length % (4 * length) !== 0) {
    throw new ScriptError(0, `${bytes.length} bytes are no whole number of chunks of ${chunkSize}×${dim} float32`);
  }
  const floats = new Float32Array(Uint8Array.from(bytes).buffer);
  return Array.from({ length: floats.length / length }, (_, i) => ({
    kind: 'chunk',
    actions: floats.subarray(i * length, (i + 1) * length),
  }));
}

interface Item {
  readonly at: number;
  readonly value: unknown;
}

/** Rows wait until H of them are a chunk; chunks and errors stand for themselves. */
function entriesOf(items: readonly Item[], { chunkSize }: Shape): ScriptEntry[] {
  const entries: ScriptEntry[] = [];
  let rows: number[][] = [];
  const whole = (at: number): void => {
    if (rows.length > 0) {
      throw new ScriptError(
        at,
        `${rows.length} rows stand before it, no whole chunk of ${chunkSize}; write a chunk of another shape as one array of rows`,
      );
    }
  };
  for (const { at, value } of items) {
    if (isRow(value)) {
      rows.push(rowOf(value, at));
      if (rows.length < chunkSize) continue;
      entries.push(chunkOf(rows));
      rows = [];
      continue;
    }
    whole(at);
    entries.push(Array.isArray(value) ? chunkOf(value.map((row: unknown) => rowOf(row, at))) : errorOf(value, at));
  }
  whole(items.length + 1);
  return entries;
}

const isRow = (value: unknown): value is unknown[] =>
  Array.isArray(value) && value.length > 0 && !value.some((entry) => Array.isArray(entry));

const chunkOf = (rows: readonly number[][]): ScriptEntry => ({
  kind: 'chunk',
  actions: Float32Array.from(rows.flat()),
});

function rowOf(row: unknown, at: number): number[] {
  if (!Array.isArray(row)) throw new ScriptError(at, 'a chunk is an array of rows, a row an array of numbers');
  return row.map((value: unknown) => {
    if (typeof value === 'number') return value;
    const number = typeof value === 'string' && Object.hasOwn(WORDS, value) ? WORDS[value] : undefined;
    if (number === undefined)
      throw new ScriptError(at, `${JSON.stringify(value)} is no number; "NaN", "Infinity" and "-Infinity" are`);
    return number;
  });
}

function errorOf(value: unknown, at: number): ScriptEntry {
  if (typeof value === 'object' && value !== null && Object.keys(value).length === 1) {
    const reason: unknown = (value as { error?: unknown }).error;
    if (typeof reason === 'string') return { kind: 'error', reason };
  }
  throw new ScriptError(at, 'must be a row, a chunk (array of rows) or {"error": "why the policy fails"}');
}

function parse(text: string, at: number): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new ScriptError(at, error instanceof Error ? error.message : 'is not JSON');
  }
}
