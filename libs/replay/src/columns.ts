import { HOLD_PRIORITY, type HoldReason } from '@sinew/protocol';

/** A record's binary column as numbers; its bytes may stand at any alignment. */
export function float64Column(bytes: Uint8Array): Float64Array {
  return new Float64Array(Uint8Array.from(bytes).buffer);
}

export function float32Column(bytes: Uint8Array): Float32Array {
  return new Float32Array(Uint8Array.from(bytes).buffer);
}

/** What a number in `kinds` and `causes` stands for; null for 0, an action or no cause. */
export function reasonOf(kind: number): HoldReason | null {
  return HOLD_PRIORITY[kind - 1] ?? null;
}

/** Bit for bit, but for one thing: every NaN is the same one. */
export function firstDifference(a: Float64Array, b: Float64Array): number {
  const length = Math.max(a.length, b.length);
  for (let i = 0; i < length; i++) if (!Object.is(a[i], b[i])) return i;
  return -1;
}
