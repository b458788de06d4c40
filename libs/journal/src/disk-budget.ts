import { stat } from 'node:fs/promises';
import { loadShippedPosition } from './checkpoint.js';
import type { Position } from './reader.js';
import type { Usage } from './recovery.js';
import { listSegments, segmentPath } from './segment.js';

/** J4: from 80 % a warning, at 100 % new sessions are refused and running ones hold. */
export const WARN_SHARE = 0.8;
/** J4: above a fifth of the budget a customer is refused before the others. */
export const CUSTOMER_SHARE = 0.2;

export interface Pressure {
  /** Bytes not yet shipped. */
  readonly usedBytes: number;
  readonly budgetBytes: number;
  readonly level: 'ok' | 'warn' | 'full';
  /** Share of the whole budget that this customer's unshipped records take, 0…1. */
  customer(customerId: string): number;
}

/**
 * How much of the disk budget the unshipped records take. What is shipped does not count: embedded it is kept for days, but
 * the shipper deletes it as soon as the folder nears its budget.
 */
export class DiskBudget {
  readonly #dir: string;
  readonly #budgetBytes: number;
  readonly #sizes = new Map<number, number>();
  readonly #usage = new Map<number, Map<string, number>>();
  #shipped: Position = { segment: 0, offset: 0 };

  constructor(dir: string, budgetBytes: number, usage: ReadonlyMap<number, Usage>) {
    this.#dir = dir;
    this.#budgetBytes = budgetBytes;
    for (const [segment, bytes] of usage) this.#usage.set(segment, new Map(bytes));
  }

  /** Looks at the folder anew: what the shipper did in the meantime. `live`: the segment being written. */
  async refresh(live: number): Promise<void> {
    const segments = new Set(await listSegments(this.#dir));
    for (const segment of segments) {
      if (segment === live || this.#sizes.has(segment)) continue;
      const found = await stat(segmentPath(this.#dir, segment)).catch(() => null);
      if (found !== null) this.#sizes.set(segment, found.size);
    }
    for (const segment of this.#sizes.keys())
      if (!segments.has(segment) && segment !== live) this.#sizes.delete(segment);
    for (const segment of this.#usage.keys())
      if (!segments.has(segment) && segment !== live) this.#usage.delete(segment);
    this.#shipped = (await loadShippedPosition(this.#dir)) ?? { segment: 0, offset: 0 };
  }

  written(segment: number, sizeBytes: number, usage: Usage): void {
    this.#sizes.set(segment, sizeBytes);
    const total = this.#usage.get(segment) ?? new Map<string, number>();
    this.#usage.set(segment, total);
    for (const [customer, bytes] of usage) total.set(customer, (total.get(customer) ?? 0) + bytes);
  }

  usageOf(segment: number): Record<string, number> {
    return Object.fromEntries(this.#usage.get(segment) ?? []);
  }

  /** `pendingBytes`: appended, not yet written. */
  pressure(pendingBytes: number): Pressure {
    let usedBytes = pendingBytes;
    for (const [segment, size] of this.#sizes) usedBytes += size * this.#unshippedShare(segment, size);
    const budgetBytes = this.#budgetBytes;
    const level = usedBytes >= budgetBytes ? 'full' : usedBytes >= WARN_SHARE * budgetBytes ? 'warn' : 'ok';
    return { usedBytes, budgetBytes, level, customer: (customerId) => this.#customerShare(customerId) };
  }

  #customerShare(customerId: string): number {
    let bytes = 0;
    for (const [segment, usage] of this.#usage) {
      bytes += (usage.get(customerId) ?? 0) * this.#unshippedShare(segment, this.#sizes.get(segment) ?? 0);
    }
    return bytes / this.#budgetBytes;
  }

  #unshippedShare(segment: number, size: number): number {
    if (segment !== this.#shipped.segment) return segment < this.#shipped.segment ? 0 : 1;
    return size === 0 ? 1 : Math.max(0, 1 - this.#shipped.offset / size);
  }
}
