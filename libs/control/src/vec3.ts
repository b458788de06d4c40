/** A mutable 3-vector: named fields rather than arrays, so that the hot path neither allocates nor checks bounds. */
export class Vec3 {
  x = 0;
  y = 0;
  z = 0;

  set(x: number, y: number, z: number): this {
    this.x = x;
    this.y = y;
    this.z = z;
    return this;
  }

  copy(from: Vec3): this {
    return this.set(from.x, from.y, from.z);
  }

  /** this := a + scale * b */
  addScaled(a: Vec3, b: Vec3, scale: number): this {
    return this.set(a.x + scale * b.x, a.y + scale * b.y, a.z + scale * b.z);
  }

  /** this := scale * a */
  scaled(a: Vec3, scale: number): this {
    return this.set(scale * a.x, scale * a.y, scale * a.z);
  }

  isZero(): boolean {
    return this.x === 0 && this.y === 0 && this.z === 0;
  }
}

export function dot(a: Vec3, b: Vec3): number {
  return a.x * b.x + a.y * b.y + a.z * b.z;
}

export function norm(a: Vec3): number {
  return Math.sqrt(dot(a, a));
}

export function distance(a: Vec3, b: Vec3): number {
  const x = a.x - b.x;
  const y = a.y - b.y;
  const z = a.z - b.z;
  return Math.sqrt(x * x + y * y + z * z);
}

export function saveVec(v: Vec3, row: Float64Array, offset: number): void {
  row[offset] = v.x;
  row[offset + 1] = v.y;
  row[offset + 2] = v.z;
}

export function loadVec(v: Vec3, row: Float64Array, offset: number): void {
  v.set(row[offset] as number, row[offset + 1] as number, row[offset + 2] as number);
}
