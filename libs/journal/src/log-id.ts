// log_id: milliseconds since 2026-01-01 (40 bits, until 2060), node (6), sequence (7). 53 bits in all, so that a JavaScript number
// holds it exactly; beyond 32 bits the parts are put together by arithmetic, never by shifts.

export const LOG_ID_EPOCH_MS = Date.UTC(2026, 0, 1);
export const MAX_NODE = 63;
const SEQUENCES = 128;
const PER_MS = 8192;

/** Unix milliseconds of a log_id: the row's `timestamp`, exactly. */
export function logIdTimeMs(logId: number): number {
  return Math.floor(logId / PER_MS) + LOG_ID_EPOCH_MS;
}

export function logIdNode(logId: number): number {
  return Math.floor((logId % PER_MS) / SEQUENCES);
}

/** Issues rising ids of one node. Above 128 in a millisecond, or with the clock gone back, it runs on from the last one. */
export class LogIds {
  readonly #node: number;
  #ms: number;
  #sequence: number;

  /** `floor`: the highest id known to have been written, of any node; every id issued is greater. 0 = none. */
  constructor(node: number, floor = 0) {
    if (!Number.isInteger(node) || node < 0 || node > MAX_NODE)
      throw new RangeError(`node ${node} is not in 0…${MAX_NODE}`);
    if (!Number.isSafeInteger(floor) || floor < 0) throw new RangeError(`floor ${floor} is not a log id`);
    this.#node = node;
    // The whole millisecond of the floor counts as used up, because another node's ids may stand above ours in it.
    this.#ms = floor === 0 ? -1 : Math.floor(floor / PER_MS);
    this.#sequence = SEQUENCES - 1;
  }

  /** `nowMs`: Unix milliseconds. */
  next(nowMs: number): number {
    const ms = Math.floor(nowMs) - LOG_ID_EPOCH_MS;
    if (ms > this.#ms) {
      this.#ms = ms;
      this.#sequence = 0;
    } else if (this.#sequence < SEQUENCES - 1) {
      this.#sequence++;
    } else {
      this.#ms++;
      this.#sequence = 0;
    }
    return this.#ms * PER_MS + this.#node * SEQUENCES + this.#sequence;
  }
}
