export const DIRECTIONS = ['left', 'right', 'forward', 'back', 'up', 'down'] as const;
export type Direction = (typeof DIRECTIONS)[number];

/** Where forward, left and up point in the frame of a policy's actions: unit vectors. */
export interface DirectionAxes {
  readonly forward: readonly [number, number, number];
  readonly left: readonly [number, number, number];
  readonly up: readonly [number, number, number];
}

/** x forward, y left, z up (ROS REP 103): what a base frame is unless its policy says otherwise. */
export const BASE_AXES: DirectionAxes = { forward: [1, 0, 0], left: [0, 1, 0], up: [0, 0, 1] };

/** What the robot carried against the words went at least so far, metres: less is placing, not moving. */
const LEAST_M = 0.05;
/** A gripper commanded further closed than this is taken to hold something. */
const CLOSED = 0.5;

/** Before a side that something goes to, not a thing that is there: "to the left", not "the left cube". */
const AIMED = '(?:to|towards?|on|onto) (?:the |its |your )?';
const MOVED =
  '(?:move|push|slide|shift|bring|carry|drag|pull|lift|raise|lower|drive|nudge|shove|go)(?: [a-z0-9]+){0,5}? ';
/** A side "of" something is a place, and a side before a noun is a description. */
const ALONE = '(?= (?:side|hand side|and|then|by|a|slightly|until|please|now|again|for|with|without)\\b|$)';
const side = (word: string): RegExp =>
  new RegExp(`\\b(?:${AIMED}${word}|${MOVED}${word}(?:wards?)?|${word}wards?)${ALONE}(?! (?:side|hand side) of)`);

const WORDS: readonly (readonly [Direction, RegExp])[] = [
  ['left', side('left')],
  ['right', side('right')],
  ['forward', new RegExp(`\\b(?:forwards?|${MOVED}ahead)${ALONE}`)],
  ['back', new RegExp(`\\b(?:backwards?|${MOVED}back)${ALONE}`)],
  ['up', new RegExp(`\\b(?:upwards?|${MOVED}up|lift|raise)\\b`)],
  ['down', new RegExp(`\\b(?:downwards?|${MOVED}down|lower)\\b`)],
];

/** The one direction that an instruction asks for; null where it asks for none, or for several. */
export function askedDirection(instruction: string): Direction | null {
  const text = instruction
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, ' ')
    .trim();
  const found = WORDS.filter(([, pattern]) => pattern.test(text));
  return found.length === 1 ? (found[0]?.[0] ?? null) : null;
}

export interface DirectionFinding {
  readonly asked: Direction;
  /** Net displacement while something was held, metres, in the frame of the actions. */
  readonly displacement: readonly [number, number, number];
  /** Its part in the direction asked for. */
  readonly along: number;
  readonly heldTicks: number;
  readonly mismatch: boolean;
}

const STRIDE = 4;

/**
 * R4: where the robot took what it held, against the direction words of its instruction. A statistic of an episode, never a reason to
 * hold or to score: moving a cube left may start by moving right to it. Feed it every `ee_delta` that is sent; a tick that was
 * planned before and is planned anew replaces itself and all after it.
 */
export class DirectionWatch {
  readonly #axes: DirectionAxes;
  readonly #capacity: number;
  /** Sums up to each of the last ticks: x, y, z, ticks held. */
  readonly #rows: Float64Array;
  #asked: Direction | null = null;
  /** The ticks that have rows; none while #last < #first. */
  #first = 0;
  #last = -1;

  /** `longestPlan`: how far back, in ticks, a tick may be planned anew. */
  constructor(instruction: string, longestPlan: number, axes: DirectionAxes = BASE_AXES) {
    this.#axes = axes;
    this.#capacity = longestPlan + 2;
    this.#rows = new Float64Array(STRIDE * this.#capacity);
    this.begin(instruction);
  }

  /** Another instruction or another episode: what was carried before counts no more. */
  begin(instruction: string): void {
    this.#asked = askedDirection(instruction);
    this.#first = 0;
    this.#last = -1;
  }

  /** The step sent at tick `n`: dx dy dz (m), three of rotation, gripper 0 closed … 1 open. */
  tick(n: number, values: Float64Array): void {
    if (this.#asked === null) return;
    if (this.#last < this.#first || n <= this.#first) {
      this.#first = n;
      this.#last = n - 1;
    }
    const rows = this.#rows;
    const known = this.#last >= this.#first;
    const from = this.#rowOf(Math.min(n - 1, this.#last));
    // Ticks that are missing carried nothing.
    for (let t = Math.max(this.#last + 1, n - this.#capacity + 1); known && t < n; t++) {
      const gap = this.#rowOf(t);
      if (gap !== from) rows.copyWithin(gap, from, from + STRIDE);
    }
    const to = this.#rowOf(n);
    const held = (values[6] as number) < CLOSED;
    for (let i = 0; i < 3; i++) {
      rows[to + i] = (known ? (rows[from + i] as number) : 0) + (held ? (values[i] as number) : 0);
    }
    rows[to + 3] = (known ? (rows[from + 3] as number) : 0) + (held ? 1 : 0);
    this.#last = n;
    this.#first = Math.max(this.#first, n - this.#capacity + 1);
  }

  /** What came of it so far; null where no direction was asked for or nothing was held. */
  finding(): DirectionFinding | null {
    if (this.#asked === null || this.#last < this.#first) return null;
    const row = this.#rowOf(this.#last);
    const [x = 0, y = 0, z = 0, heldTicks = 0] = this.#rows.subarray(row, row + STRIDE);
    if (heldTicks === 0) return null;
    const [ax, ay, az] = axisOf(this.#asked, this.#axes);
    const along = x * ax + y * ay + z * az;
    return { asked: this.#asked, displacement: [x, y, z], along, heldTicks, mismatch: along <= -LEAST_M };
  }

  #rowOf(tick: number): number {
    return STRIDE * (((tick % this.#capacity) + this.#capacity) % this.#capacity);
  }
}

function axisOf(direction: Direction, { forward, left, up }: DirectionAxes): readonly [number, number, number] {
  switch (direction) {
    case 'forward':
      return forward;
    case 'back':
      return opposite(forward);
    case 'left':
      return left;
    case 'right':
      return opposite(left);
    case 'up':
      return up;
    case 'down':
      return opposite(up);
  }
}

const opposite = ([x, y, z]: readonly [number, number, number]): readonly [number, number, number] => [-x, -y, -z];
