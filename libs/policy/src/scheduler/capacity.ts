import type { WarmUp } from '../backend/policy-backend.js';

/** Weight of one inference in the running mean of what it costs beside the graph; about 300 inferences back. */
const WEIGHT = 1 / 300;
/**
 * So much faster than the warm-up serving may prove: one measured on a busy machine is put right. What a server does alone that
 * was measured under load says nothing of its largest batch: without a bound that made a capacity without end.
 */
const MOST_BETTER = 2;
/** Of the measured arrivals, milliseconds: long against a session's period, short against a day's load. */
const ARRIVAL_WINDOW_MS = 5_000;

export interface Capacity {
  /** μ: inferences a second that the backend can do at its largest batch, all slots together. */
  readonly perSecond: number;
  /** λ: inferences a second that the sessions ask for: what they reserved, and what the others were seen to ask for. */
  readonly offered: number;
  /** What may still be admitted: admission·μ − λ, at least 0. */
  readonly free: number;
}

/**
 * μ(B) from the warm-up plus what serving really adds per inference (decoding, messages, contention), against λ.
 * Batches are mostly small while the load is small, and their time says little about B: so the extra is learned, not t(B).
 */
export class CapacityMeter {
  readonly #admission: number;
  #graphMs = 0;
  #batch = 1;
  #extraMs = 0;
  #reserved = 0;
  #arrivals = 0;
  #arrivalsAtMs = 0;
  #warm: readonly WarmUp[] = [];

  constructor(admission: number) {
    this.#admission = admission;
  }

  /** The batch that gives the most inferences a second is the one that load will form. `measured`: of the sizes that are formed. */
  warmedUp(measured: readonly WarmUp[]): void {
    this.#warm = measured;
    let best = Number.POSITIVE_INFINITY;
    for (const { batch, inferMs } of measured) {
      if (inferMs / batch > best) continue;
      best = inferMs / batch;
      this.#graphMs = inferMs;
      this.#batch = batch;
    }
  }

  /** A batch of `size` kept its slot busy for `busyMs`. */
  ran(size: number, busyMs: number): void {
    const extra = (busyMs - this.#graphTimeMs(size)) / size;
    const weight = 1 - (1 - WEIGHT) ** size;
    this.#extraMs += weight * (extra - this.#extraMs);
  }

  reserve(change: number): void {
    this.#reserved = Math.max(0, this.#reserved + change);
  }

  /** A request of a requester without a reservation. */
  arrived(nowMs: number): void {
    this.#arrivals = this.#decayed(nowMs) + 1;
    this.#arrivalsAtMs = nowMs;
  }

  read(slots: number, nowMs: number): Capacity {
    const graphMs = this.#graphMs / this.#batch;
    const perInference = Math.max(graphMs + this.#extraMs, graphMs / MOST_BETTER, 0.001);
    const perSecond = (slots * 1000) / perInference;
    const offered = this.#reserved + this.#decayed(nowMs) / (ARRIVAL_WINDOW_MS / 1000);
    return { perSecond, offered, free: Math.max(0, this.#admission * perSecond - offered) };
  }

  /** Exponentially weighted count: its steady value is rate × window. */
  #decayed(nowMs: number): number {
    return this.#arrivals * Math.exp((this.#arrivalsAtMs - nowMs) / ARRIVAL_WINDOW_MS);
  }

  /** The warm-up's time for a batch of `size`, between the measured sizes in proportion. */
  #graphTimeMs(size: number): number {
    let below: WarmUp = { batch: 0, inferMs: 0 };
    for (const point of this.#warm) {
      if (point.batch === size) return point.inferMs;
      if (point.batch > size) {
        const share = (size - below.batch) / (point.batch - below.batch);
        return below.inferMs + share * (point.inferMs - below.inferMs);
      }
      below = point;
    }
    return below.inferMs;
  }
}
