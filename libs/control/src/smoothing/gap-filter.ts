/**
 * A low pass seen from its own output: `move` replaces the gap from the output to the target by the output's move this tick.
 * Memory is relative to the output too, so the same filter serves positions, joints and, with rotation vectors for gaps,
 * orientations. All components share one gain or one plan: what goes straight stays straight.
 */
export interface GapFilter {
  /** Numbers that `save` writes. */
  readonly row: number;
  /** At rest, where the output stands. */
  reset(): void;
  move(gap: Float64Array): void;
  save(rows: Float64Array, offset: number): void;
  load(rows: Float64Array, offset: number): void;
}

/** A filter's memory: what it saves and loads is the array itself. */
export abstract class Remembering {
  protected readonly memory: Float64Array;

  constructor(size: number) {
    this.memory = new Float64Array(size);
  }

  get row(): number {
    return this.memory.length;
  }

  reset(): void {
    this.memory.fill(0);
  }

  save(rows: Float64Array, offset: number): void {
    rows.set(this.memory, offset);
  }

  load(rows: Float64Array, offset: number): void {
    const { memory } = this;
    for (let i = 0; i < memory.length; i++) memory[i] = rows[offset + i] as number;
  }
}
