import { setTimeout as sleep } from 'node:timers/promises';
import { BenchError, progress } from '../command.js';
import { Fleet } from '../load/fleet.js';
import type { MemoryReading } from '../load/gateway-messages.js';
import type { LoadOptions } from '../load/load-options.js';
import { measureLoad, observationFrames } from '../load/measure-load.js';
import { knee } from '../load/ramp.js';
import { openMessage, openTarget } from '../load/target.js';
import { type SoakSample, sampleOf } from './samples.js';

export interface SoakPlan {
  readonly load: LoadOptions;
  /** Null: of the capacity that a ramp finds first. */
  readonly robots: number | null;
  readonly share: number;
  readonly seconds: number;
  readonly sampleS: number;
  /** A collection every so many samples. */
  readonly heapEvery: number;
}

export interface SoakRun {
  readonly robots: number;
  /** What the ramp found; null where the robots were given. */
  readonly capacity: number | null;
  readonly seconds: number;
  /** The person ended it. */
  readonly early: boolean;
  readonly samples: readonly SoakSample[];
  readonly missed: number;
  /** While the bench had the gateway collect its garbage, and just after: none of `missed`. */
  readonly missed_in_collections: number;
  readonly received: number;
  readonly overdue: number;
  readonly lost_sessions: number;
  readonly errors: Readonly<Record<string, number>>;
  readonly holds: Readonly<Record<string, number>>;
}

const CALIBRATION_S = 24;
const CALIBRATION_LEAST = 50;
const CALIBRATION_MOST = 1_200;
const RAMP_SHARE = 0.6;
/** Until a gateway that was stopped for some periods is in step again. */
const RECOVERY_MS = 1_000;

/** `stop` ends it early: what was measured by then is the result. */
export async function soak(plan: SoakPlan, stop: AbortSignal): Promise<SoakRun> {
  const capacity = plan.robots === null ? await calibrate(plan.load) : null;
  if (stop.aborted) throw new BenchError('ended before anything was measured');
  const robots = plan.robots ?? Math.max(1, Math.floor((capacity ?? 0) * plan.share));
  const options = { ...plan.load, robots };
  const target = await openTarget(options);
  const { gateway } = target;
  if (gateway === null) throw new BenchError('a soak runs on a gateway of its own');
  const fleet = new Fleet({
    robots,
    hz: options.hz,
    obsHz: options.obs_hz ?? options.hz,
    rampMs: options.warmup * RAMP_SHARE * 1_000,
    open: openMessage(options),
    target: target.stream,
    keepsTicks: false,
  });
  try {
    fleet.drive(await observationFrames(await fleet.open(), options, Number(options.frame_kb)));
    progress(`${robots} robots, warming up`);
    await wait(options.warmup * 1_000, stop);
    await gateway.memory();
    await gateway.mark();
    fleet.measure(true);
    fleet.lap();
    const beganMs = performance.now();
    const elapsedS = (): number => (performance.now() - beganMs) / 1_000;
    const samples: SoakSample[] = [];
    let missedInCollections = 0;
    while (!stop.aborted && elapsedS() < plan.seconds) {
      await wait(Math.min(plan.sampleS, plan.seconds - elapsedS()) * 1_000, stop);
      const report = await gateway.report();
      const lap = fleet.lap();
      const atS = elapsedS();
      let memory: MemoryReading | null = null;
      if (samples.length % plan.heapEvery === plan.heapEvery - 1) {
        // The whole heap at once, twice: no gateway does that by itself, and it stops this one for longer than a tick.
        memory = await gateway.memory();
        await wait(RECOVERY_MS, stop);
        missedInCollections += fleet.lap().missed;
      }
      // The probe begins anew with each sample: it must not be what grows.
      await gateway.mark();
      samples.push(sampleOf(atS, report, lap, memory));
      tell(samples, plan.seconds);
    }
    if (samples.length === 0) throw new BenchError('ended before anything was measured');
    fleet.measure(false);
    const rest = fleet.lap();
    const overdue = fleet.overdue(performance.timeOrigin + performance.now());
    const sum = (of: (sample: SoakSample) => number): number => samples.reduce((total, each) => total + of(each), 0);
    return {
      robots,
      capacity,
      seconds: Number(elapsedS().toFixed(1)),
      early: stop.aborted,
      samples,
      missed: sum(({ missed }) => missed) + rest.missed,
      missed_in_collections: missedInCollections,
      received: sum(({ received }) => received) + rest.received,
      overdue,
      lost_sessions: fleet.record.lost,
      errors: fleet.record.errors,
      holds: fleet.record.holds,
    };
  } finally {
    fleet.close();
    await gateway.stop();
  }
}

async function calibrate(load: LoadOptions): Promise<number> {
  progress('calibration: a ramp to the knee');
  const ramp = `${CALIBRATION_LEAST}:${CALIBRATION_MOST}:${CALIBRATION_S}`;
  const { ramp: steps } = await measureLoad({ ...load, ramp, warmup: 3 });
  const capacity = knee(steps ?? [], load.hz);
  if (capacity === null) {
    throw new BenchError(`${CALIBRATION_LEAST} robots are too many for this machine now: say how many with --robots`);
  }
  return capacity;
}

function tell(samples: readonly SoakSample[], seconds: number): void {
  const last = samples.at(-1);
  if (last === undefined) return;
  const missed = samples.reduce((sum, sample) => sum + sample.missed, 0);
  const heap = samples.findLast(({ heap_mb }) => heap_mb !== null)?.heap_mb;
  progress(
    `${last.at_s.toFixed(0)} of ${seconds} s: ${missed} ticks missed, heap ${heap ?? '–'} MB, RSS ${last.rss_mb.toFixed(0)} MB, jitter p99 ${last.jitter_p99_ms?.toFixed(1) ?? '–'} ms`,
  );
}

/** Less where it is stopped. */
const wait = (ms: number, stop: AbortSignal): Promise<void> =>
  sleep(Math.max(0, ms), undefined, { signal: stop }).catch(() => {});
