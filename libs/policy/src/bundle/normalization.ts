import { z } from 'zod';

const table = z.array(z.number()).readonly();
const mask = z.array(z.boolean()).readonly().optional();

const MeanStd = z
  .strictObject({ kind: z.literal('mean_std'), mean: table, std: z.array(z.number().positive()).readonly(), mask })
  .readonly();
const Quantiles = z.strictObject({ kind: z.literal('q01_q99'), q01: table, q99: table, mask }).readonly();

/** `graph`: the graph takes and gives physical units. A table: applied outside; entries with mask false pass as they are. */
export const Normalization = z.union([z.literal('graph'), MeanStd, Quantiles]);
export type Normalization = z.infer<typeof Normalization>;

/** y = x·scale + offset per entry: both kinds of table are affine, so they become one pair of vectors. */
export interface Affine {
  readonly scale: Float64Array;
  readonly offset: Float64Array;
}

/** What is wrong with a table of `length` entries, as [field, reason]; null when nothing is. */
export function checkNormalization(norm: Normalization, length: number): [string, string] | null {
  if (norm === 'graph') return null;
  for (const [field, value] of Object.entries(norm)) {
    if (Array.isArray(value) && value.length !== length) return [field, `has ${value.length} entries, not ${length}`];
  }
  if (norm.kind === 'q01_q99') {
    for (let i = 0; i < length; i++) {
      if (norm.mask?.[i] !== false && !((norm.q99[i] ?? 0) > (norm.q01[i] ?? 0)))
        return [`q99.${i}`, 'must be above q01'];
    }
  }
  return null;
}

/** Physical units → what the graph was trained on: (x−mean)/std, or 2(x−q01)/(q99−q01) − 1. Null: nothing to do. */
export function normalizer(norm: Normalization, length: number): Affine | null {
  const inverse = unnormalizer(norm, length);
  if (inverse === null) return null;
  const { scale, offset } = inverse;
  return { scale: scale.map((s) => 1 / s), offset: offset.map((o, i) => -o / (scale[i] ?? 1)) };
}

/** What the graph gives → physical units: x·std + mean, or (x+1)/2·(q99−q01) + q01. Null: nothing to do. */
export function unnormalizer(norm: Normalization, length: number): Affine | null {
  if (norm === 'graph') return null;
  const scale = new Float64Array(length).fill(1);
  const offset = new Float64Array(length);
  for (let i = 0; i < length; i++) {
    if (norm.mask?.[i] === false) continue;
    if (norm.kind === 'mean_std') {
      scale[i] = norm.std[i] ?? 1;
      offset[i] = norm.mean[i] ?? 0;
    } else {
      const low = norm.q01[i] ?? 0;
      scale[i] = ((norm.q99[i] ?? 0) - low) / 2;
      offset[i] = low + (scale[i] ?? 0);
    }
  }
  return { scale, offset };
}

/**
 * Which of `length` entries a graph gives within ±1: those between quantiles, which q01 and q99 become. Standard deviations
 * have no such bound. Null: none.
 */
export function normalizedTo1(norm: Normalization, length: number): boolean[] | null {
  if (norm === 'graph' || norm.kind !== 'q01_q99') return null;
  return Array.from({ length }, (_, i) => norm.mask?.[i] !== false);
}

/** Applies `affine` to rows of its length, in place. */
export function applyAffine(values: Float32Array, affine: Affine): void {
  const { scale, offset } = affine;
  const length = scale.length;
  for (let i = 0; i < values.length; i++) {
    const j = i % length;
    values[i] = (values[i] ?? 0) * (scale[j] ?? 1) + (offset[j] ?? 0);
  }
}
