import type { Lap } from '../load/fleet-record.js';
import type { MemoryReading } from '../load/gateway-messages.js';
import type { GatewayReport } from '../load/gateway-probe.js';
import { median } from '../stats/median.js';
import { robustSlope, type Slope } from '../stats/slope.js';

export interface SoakSample {
  /** Since the window began, s. */
  readonly at_s: number;
  readonly rss_mb: number;
  readonly loop_delay_p99_ms: number;
  readonly jitter_p99_ms: number | null;
  readonly age_p99_ms: number | null;
  readonly send_lag_p99_ms: number | null;
  readonly missed: number;
  readonly received: number;
  readonly gateway_cores: number;
  /** Of all processor time of the sample: taken away by the hypervisor; null where that is not told. */
  readonly steal_share: number | null;
}

export function sampleOf(atS: number, report: GatewayReport, lap: Lap, stealShare: number | null): SoakSample {
  const mb = (bytes: number): number => Number((bytes / 1e6).toFixed(3));
  return {
    at_s: Number(atS.toFixed(1)),
    rss_mb: mb(report.rssBytes),
    loop_delay_p99_ms: Number(report.loopDelayMs.p99.toFixed(3)),
    jitter_p99_ms: report.tickLateness?.p99 ?? null,
    age_p99_ms: lap.age?.p99 ?? null,
    send_lag_p99_ms: lap.sendLag?.p99 ?? null,
    missed: lap.missed,
    received: lap.received,
    gateway_cores: Number((report.cpuMs / report.wallMs).toFixed(3)),
    steal_share: stealShare,
  };
}

export interface Growth extends Slope {
  readonly readings: number;
}

/** Of resident memory, bytes an hour. The first fifth is left out: compiled code and tables that find their size grow once. */
export function rssGrowth(samples: readonly SoakSample[]): Growth | null {
  const end = samples.at(-1)?.at_s ?? 0;
  const points = samples.flatMap(({ at_s, rss_mb }) =>
    at_s < 0.2 * end ? [] : [[at_s / 3_600, rss_mb * 1e6] as const],
  );
  const slope = robustSlope(points);
  return slope === null ? null : { ...slope, readings: points.length };
}

export interface HeapGrowth {
  /** Middle reading after less middle reading before, bytes; and the most and the least that the readings allow. */
  readonly bytes: number;
  readonly low: number;
  readonly high: number;
}

export function heapGrowth(
  { before, after }: { readonly before: readonly MemoryReading[]; readonly after: readonly MemoryReading[] },
  of: 'heapBytes' | 'externalBytes',
): HeapGrowth {
  const [first, last] = [before.map((reading) => reading[of]), after.map((reading) => reading[of])];
  return {
    bytes: median(last) - median(first),
    low: Math.min(...last) - Math.max(...first),
    high: Math.max(...last) - Math.min(...first),
  };
}
