import type { Lap } from '../load/fleet-record.js';
import type { MemoryReading } from '../load/gateway-messages.js';
import type { GatewayReport } from '../load/gateway-probe.js';
import { robustSlope, type Slope } from '../stats/slope.js';

export interface SoakSample {
  /** Since the window began, s. */
  readonly at_s: number;
  readonly rss_mb: number;
  /** After a collection; null where this sample made none. */
  readonly heap_mb: number | null;
  readonly external_mb: number | null;
  readonly loop_delay_p99_ms: number;
  readonly jitter_p99_ms: number | null;
  readonly age_p99_ms: number | null;
  readonly send_lag_p99_ms: number | null;
  readonly missed: number;
  readonly received: number;
  readonly gateway_cores: number;
}

export function sampleOf(atS: number, report: GatewayReport, lap: Lap, memory: MemoryReading | null): SoakSample {
  const mb = (bytes: number): number => Number((bytes / 1e6).toFixed(3));
  return {
    at_s: Number(atS.toFixed(1)),
    rss_mb: mb(report.rssBytes),
    heap_mb: memory === null ? null : mb(memory.heapBytes),
    external_mb: memory === null ? null : mb(memory.externalBytes),
    loop_delay_p99_ms: Number(report.loopDelayMs.p99.toFixed(3)),
    jitter_p99_ms: report.tickLateness?.p99 ?? null,
    age_p99_ms: lap.age?.p99 ?? null,
    send_lag_p99_ms: lap.sendLag?.p99 ?? null,
    missed: lap.missed,
    received: lap.received,
    gateway_cores: Number((report.cpuMs / report.wallMs).toFixed(3)),
  };
}

export interface HeapGrowth extends Slope {
  readonly readings: number;
}

/** Bytes an hour. The first fifth is left out: compiled code and tables that find their size grow once. */
export function heapGrowth(samples: readonly SoakSample[], of: 'heap_mb' | 'rss_mb'): HeapGrowth | null {
  const end = samples.at(-1)?.at_s ?? 0;
  const points = samples.flatMap((sample) => {
    const mb = sample[of];
    return mb === null || sample.at_s < 0.2 * end ? [] : [[sample.at_s / 3_600, mb * 1e6] as const];
  });
  const slope = robustSlope(points);
  return slope === null ? null : { ...slope, readings: points.length };
}
