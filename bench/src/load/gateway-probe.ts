import { constants, monitorEventLoopDelay, PerformanceObserver } from 'node:perf_hooks';
import type { ModelCatalogue } from '@sinew/gateway';
import type { JournalWriter } from '@sinew/journal';
import type { Metrics } from '@sinew/telemetry';
import { Latencies, type Percentiles } from '../stats/latencies.js';

export interface LoopDelay {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

export interface GatewayReport {
  /** Since the mark, ms. */
  readonly wallMs: number;
  /** Of the whole process, and of its policy threads; null where the platform does not tell. */
  readonly cpuMs: number;
  readonly policyCpuMs: number | null;
  readonly loopDelayMs: LoopDelay;
  /** How late the server began each tick. */
  readonly tickLateness: Percentiles | null;
  /** Receipt of the observation → its chunk may move the robot (computed, judged, journaled). */
  readonly usable: Percentiles | null;
  /** The same by inference, to join with what clients saw: log ids and milliseconds. */
  readonly logIds: Float64Array;
  readonly usableMs: Float64Array;
  readonly rssBytes: number;
  readonly gc: { readonly minor: GcPauses; readonly major: GcPauses };
}

/** Pauses of the main thread for the young generation, and for the whole heap with the steps before it; ms. */
export interface GcPauses {
  readonly count: number;
  readonly totalMs: number;
  readonly maxMs: number;
}

const NO_PAUSES: GcPauses = { count: 0, totalMs: 0, maxMs: 0 };

/** The monitor records the time between two of its timer's turns: an idle loop shows the resolution, not zero. */
const RESOLUTION_MS = 10;

/** Measures inside the gateway's process what its wire does not tell. Two closures an inference, one addition a tick. */
export class GatewayProbe {
  readonly #models: ModelCatalogue;
  readonly #lateness = new Latencies();
  readonly #usable = new Latencies();
  #logIds: number[] = [];
  #usableMs: number[] = [];
  readonly #loop = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  #gc = { minor: NO_PAUSES, major: NO_PAUSES };
  #markedMs = performance.now();
  #cpu = process.cpuUsage();
  #policyCpuMs: number | null = 0;

  constructor(models: ModelCatalogue, metrics: Metrics, journal: JournalWriter) {
    this.#models = models;
    this.#loop.enable();
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) {
        // Node's types leave out what the entry is about.
        const { kind } = (entry as unknown as { detail: { kind: number } }).detail;
        const which = kind === constants.NODE_PERFORMANCE_GC_MINOR ? 'minor' : 'major';
        const { count, totalMs, maxMs } = this.#gc[which];
        this.#gc[which] = {
          count: count + 1,
          totalMs: totalMs + entry.duration,
          maxMs: Math.max(maxMs, entry.duration),
        };
      }
    }).observe({ entryTypes: ['gc'] });
    const observe = metrics.tickJitter.observe.bind(metrics.tickJitter);
    metrics.tickJitter.observe = (seconds) => {
      this.#lateness.record(seconds * 1_000);
      observe(seconds);
    };
    const append = journal.append.bind(journal);
    journal.append = (record, onWritten) => {
      if (record.kind !== 'inference' || onWritten === undefined) return append(record, onWritten);
      const appendedMs = performance.now();
      append(record, () => {
        onWritten();
        const ms = record.total_ms + performance.now() - appendedMs;
        this.#usable.record(ms);
        this.#logIds.push(record.log_id);
        this.#usableMs.push(ms);
      });
    };
  }

  mark(): void {
    this.#lateness.clear();
    this.#usable.clear();
    this.#logIds = [];
    this.#usableMs = [];
    this.#loop.reset();
    this.#gc = { minor: NO_PAUSES, major: NO_PAUSES };
    this.#markedMs = performance.now();
    this.#cpu = process.cpuUsage();
    this.#policyCpuMs = this.#policyCpu();
  }

  report(): GatewayReport {
    const { user, system } = process.cpuUsage(this.#cpu);
    const policyCpuMs = this.#policyCpu();
    const delay = (nanoseconds: number): number => Math.max(0, nanoseconds / 1e6 - RESOLUTION_MS);
    return {
      wallMs: performance.now() - this.#markedMs,
      cpuMs: (user + system) / 1_000,
      policyCpuMs: policyCpuMs === null || this.#policyCpuMs === null ? null : policyCpuMs - this.#policyCpuMs,
      loopDelayMs: {
        p50: delay(this.#loop.percentile(50)),
        p99: delay(this.#loop.percentile(99)),
        max: delay(this.#loop.max),
      },
      tickLateness: this.#lateness.summary(),
      usable: this.#usable.summary(),
      logIds: Float64Array.from(this.#logIds),
      usableMs: Float64Array.from(this.#usableMs),
      rssBytes: process.memoryUsage.rss(),
      gc: this.#gc,
    };
  }

  #policyCpu(): number | null {
    let sum: number | null = 0;
    for (const { backend } of this.#models) {
      const { cpuMs } = backend.stats();
      sum = sum === null || cpuMs === null ? null : sum + cpuMs;
    }
    return sum;
  }
}
