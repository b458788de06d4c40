export interface LinkConditions {
  /** One way; there and back it is twice that. */
  readonly delayMs: number;
  /** Standard deviation of what comes on top of the delay, never less than nothing. */
  readonly jitterMs: number;
  /** Share of TCP segments that are lost. */
  readonly loss: number;
}

/** Payload of a segment on Ethernet. */
const SEGMENT_BYTES = 1_448;
/** A sender learns of a loss from three answers to what it sent after: so many segments at the end of a frame have too few behind them. */
const TAIL_SEGMENTS = 3;
/** Linux waits at least so long before it sends again what nobody answered, and twice as long each time after. */
const LEAST_TIMEOUT_MS = 200;

/**
 * One direction of a TCP connection as its two ends feel it: a model, not packets. What is lost is sent again, after a round trip where
 * enough follows it and after the retransmission timeout else, and what comes behind it waits (head-of-line). There is no congestion
 * window: a real connection with losses is slower than this one for large frames.
 */
export class Link {
  readonly #conditions: LinkConditions;
  readonly #random: () => number;
  #lastMs = 0;

  constructor(conditions: LinkConditions, random: () => number) {
    this.#conditions = conditions;
    this.#random = random;
  }

  /** When a frame that is sent now has arrived whole, ms; never before the one before it. */
  arrivalMs(sentMs: number, bytes: number): number {
    const { delayMs, jitterMs } = this.#conditions;
    const jitter = jitterMs === 0 ? 0 : Math.max(0, jitterMs * this.#normal());
    this.#lastMs = Math.max(this.#lastMs, sentMs + delayMs + jitter + this.#stallMs(bytes));
    return this.#lastMs;
  }

  /** The longest of the stalls of its segments: they are under way together. */
  #stallMs(bytes: number): number {
    const { delayMs, loss } = this.#conditions;
    if (loss === 0) return 0;
    const roundTripMs = 2 * delayMs;
    const segments = Math.max(1, Math.ceil(bytes / SEGMENT_BYTES));
    let stall = 0;
    for (let i = 0; i < segments; i++) {
      if (this.#random() >= loss) continue;
      let timeout = LEAST_TIMEOUT_MS + roundTripMs;
      let own = i < segments - TAIL_SEGMENTS ? roundTripMs : timeout;
      // Sent again, and lost again.
      while (this.#random() < loss) {
        timeout *= 2;
        own += timeout;
      }
      stall = Math.max(stall, own);
    }
    return stall;
  }

  #normal(): number {
    return Math.sqrt(-2 * Math.log(1 - this.#random())) * Math.cos(2 * Math.PI * this.#random());
  }
}

export const isPerfect = ({ delayMs, jitterMs, loss }: LinkConditions): boolean =>
  delayMs === 0 && jitterMs === 0 && loss === 0;
