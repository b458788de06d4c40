const SWEEPS = 30;
/** Rows count as orthogonal when their cosine is below this; the error of the values is its square. */
const COSINE = 1e-9;

/**
 * Ratio of the largest to the smallest singular value of the `rows`×`columns` matrix in `a` (row-major, rows ≤ columns), by
 * one-sided Jacobi rotations (Hestenes): pairs of rows are turned until all are orthogonal, then their lengths are the singular
 * values. Works in place, and keeps small values that squaring the matrix would lose. Infinity for a singular matrix; NaN for
 * one that is not finite.
 */
export function conditionNumber(a: Float64Array, rows: number, columns: number): number {
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    let rotated = false;
    for (let p = 0; p < rows - 1; p++) {
      for (let q = p + 1; q < rows; q++) {
        if (orthogonalize(a, p * columns, q * columns, columns)) rotated = true;
      }
    }
    if (!rotated) break;
  }
  let largest = 0;
  let smallest = Infinity;
  for (let r = 0; r < rows; r++) {
    let square = 0;
    for (let c = 0; c < columns; c++) square += (a[r * columns + c] ?? 0) ** 2;
    if (Number.isNaN(square)) return NaN;
    if (square > largest) largest = square;
    if (square < smallest) smallest = square;
  }
  return smallest === 0 ? Infinity : Math.sqrt(largest / smallest);
}

/** Turns two rows within their plane so that they are orthogonal; false where they are already. */
function orthogonalize(a: Float64Array, p: number, q: number, columns: number): boolean {
  let pp = 0;
  let qq = 0;
  let pq = 0;
  for (let c = 0; c < columns; c++) {
    const x = a[p + c] ?? 0;
    const y = a[q + c] ?? 0;
    pp += x * x;
    qq += y * y;
    pq += x * y;
  }
  if (!(pq * pq > COSINE * COSINE * pp * qq)) return false;
  const zeta = (qq - pp) / (2 * pq);
  const t = (zeta >= 0 ? 1 : -1) / (Math.abs(zeta) + Math.sqrt(1 + zeta * zeta));
  const cos = 1 / Math.sqrt(1 + t * t);
  const sin = cos * t;
  for (let c = 0; c < columns; c++) {
    const x = a[p + c] ?? 0;
    const y = a[q + c] ?? 0;
    a[p + c] = cos * x - sin * y;
    a[q + c] = sin * x + cos * y;
  }
  return true;
}
