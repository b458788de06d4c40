import type { CustomerLimits } from '@sinew/contracts';
import { FrameAllowance } from './frame-allowance.js';

/** What this gateway knows of one customer's use. Sessions hold it, so that a frame and an inference cost a few additions. */
export class CustomerAccount {
  readonly customerId: string;
  readonly frames: FrameAllowance;
  /** Sockets here. */
  users = 0;
  /** Whose principal its limits are from: a changed tier comes with a new one. */
  grantedBy: object | null = null;
  lastUsedMs: number;
  /** Inferences of the month that the database had when it was last asked. */
  stored = 0;
  /** Its sessions have heard that the month's inferences are used up. */
  noticed = false;
  #limits: CustomerLimits;
  /** Of the month, over all gateways, as last heard; -1: not yet. */
  #heard = -1;
  /** Made here, on their way to the others. */
  #told = 0;
  /** Made here since. */
  #untold = 0;

  constructor(customerId: string, limits: CustomerLimits, nowMs: number) {
    this.customerId = customerId;
    this.frames = new FrameAllowance(limits.frames_per_second);
    this.#limits = limits;
    this.lastUsedMs = nowMs;
  }

  get limits(): CustomerLimits {
    return this.#limits;
  }

  set limits(limits: CustomerLimits) {
    if (limits === this.#limits) return;
    this.#limits = limits;
    this.frames.setRate(limits.frames_per_second);
  }

  /** An inference was made, whatever came of it. */
  inferred(): void {
    this.#untold++;
  }

  /** Inferences of this month. */
  get used(): number {
    return Math.max(0, this.#heard) + this.#told + this.#untold;
  }

  /** Whether the month's inferences are used up. */
  get exhausted(): boolean {
    const quota = this.#limits.monthly_inferences;
    return quota !== null && this.used >= quota;
  }

  /** Share of the month's inferences that is used; null without a quota. */
  get utilization(): number | null {
    const quota = this.#limits.monthly_inferences;
    return quota === null ? null : quota === 0 ? 1 : this.used / quota;
  }

  get seeded(): boolean {
    return this.#heard >= 0;
  }

  get untold(): number {
    return this.#untold;
  }

  /** Takes what is to be told; `heard` or `untell` follows. */
  tell(): number {
    const n = this.#untold;
    this.#told += n;
    this.#untold = 0;
    return n;
  }

  /** The total that came back for what was told; null: of a month that is over. */
  heard(told: number, total: number | null): void {
    this.#told -= told;
    if (total !== null) this.#heard = Math.max(this.#heard, total);
  }

  beginMonth(): void {
    this.#heard = -1;
    this.stored = 0;
    this.noticed = false;
  }

  get floor(): number {
    return Math.max(0, this.#heard);
  }
}
