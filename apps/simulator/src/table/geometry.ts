export function clamp(value: number, low: number, high: number): number {
  if (value < low) return low;
  return Math.min(value, high);
}

/** Distance in the table's plane, metres. */
export function distance(ax: number, ay: number, bx: number, by: number): number {
  const dx = ax - bx;
  const dy = ay - by;
  return Math.sqrt(dx * dx + dy * dy);
}

/** A cube looks the same after a quarter turn: the angle brought into ±45°. */
export function wrapQuarter(angle: number): number {
  let wrapped = angle % (Math.PI / 2);
  if (wrapped > Math.PI / 4) wrapped -= Math.PI / 2;
  if (wrapped < -Math.PI / 4) wrapped += Math.PI / 2;
  return wrapped;
}
