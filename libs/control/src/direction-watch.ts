import { Vec3 } from './vec3.js';

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

/**
 * R4: where the robot took what it held, against the direction words of its instruction. A statistic of an episode, never a reason to
 * hold or to score: moving a cube left may start by moving right to it. Feed it every `ee_delta` that is sent.
 */
export class DirectionWatch {
  readonly #axes: DirectionAxes;
  #asked: Direction | null = null;
  readonly #sum = new Vec3();
  #held = 0;

  constructor(instruction: string, axes: DirectionAxes = BASE_AXES) {
    this.#axes = axes;
    this.begin(instruction);
  }

  /** Another instruction or another episode: what was carried before counts no more. */
  begin(instruction: string): void {
    this.#asked = askedDirection(instruction);
    this.#sum.set(0, 0, 0);
    this.#held = 0;
  }

  /** One step that was sent: dx dy dz (m), three of rotation, gripper 0 closed … 1 open. */
  tick(values: Float64Array): void {
    if (this.#asked === null || !((values[6] as number) < CLOSED)) return;
    const sum = this.#sum;
    sum.set(sum.x + (values[0] as number), sum.y + (values[1] as number), sum.z + (values[2] as number));
    this.#held++;
  }

  /** What came of it so far; null where no direction was asked for or nothing was held. */
  finding(): DirectionFinding | null {
    if (this.#asked === null || this.#held === 0) return null;
    const { x, y, z } = this.#sum;
    const [ax, ay, az] = axisOf(this.#asked, this.#axes);
    const along = x * ax + y * ay + z * az;
    return {
      asked: this.#asked,
      displacement: [x, y, z],
      along,
      heldTicks: this.#held,
      mismatch: along <= -LEAST_M,
    };
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
