import { setTimeout as sleep } from 'node:timers/promises';
import { BenchError, progress } from '../command.js';
import { Fleet } from '../load/fleet.js';
import type { MemoryReading } from '../load/gateway-messages.js';
import type { GatewayProcess } from '../load/gateway-process.js';
import type { LoadOptions } from '../load/load-options.js';
import { measureLoad, observationFrames } from '../load/measure-load.js';
import { knee } from '../load/ramp.js';
import { openMessage, openTarget } from '../load/target.js';
import { watchMachine } from '../machine.js';
import { type SoakSample, sampleOf } from './samples.js';

export interface SoakPlan {
  readonly load: LoadOptions;
  /** Null: of the capacity that a ramp finds first. */
  readonly robots: number | null;
  readonly share: number;
  readonly seconds: number;
  readonly sampleS: number;
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
  /** Robots with a socket that heard nothing: they have no gaps to miss anything in. */
  readonly silent: number;
  /** After forced collections, before and after the measured time. */
  readonly memory: { readonly before: readonly MemoryReading[]; readonly after: readonly MemoryReading[] };
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
/** Of the heap, at each end. A reading stops the gateway for two whole collections: none falls into the measured time. */
const READINGS = 3;
/** Until a gateway that was stopped for some periods is in step again. */
const RECOVERY_MS = 2_000;

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
    const before = await readMemory(gateway, stop);
    await gateway.mark();
    fleet.measure(true);
    fleet.lap();
    const beganMs = performance.now();
    const elapsedS = (): number => (performance.now() - beganMs) / 1_000;
    const samples: SoakSample[] = [];
    let watched = watchMachine();
    while (!stop.aborted && elapsedS() < plan.seconds) {
      await wait(Math.min(plan.sampleS, plan.seconds - elapsedS()) * 1_000, stop);
      const report = await gateway.report();
      const lap = fleet.lap();
      const atS = elapsedS();
      // The probe begins anew with each sample: it must not be what grows.
      await gateway.mark();
      samples.push(sampleOf(atS, report, lap, watched().machine.steal_share ?? null));
      watched = watchMachine();
      tell(samples, plan.seconds);
    }
    if (samples.length === 0) throw new BenchError('ended before anything was measured');
    fleet.measure(false);
    const rest = fleet.lap();
    const overdue = fleet.overdue(performance.timeOrigin + performance.now());
    const sum = (of: (sample: SoakSample) => number): number => samples.reduce((total, each) => total + of(each), 0);
    const seconds = Number(elapsedS().toFixed(1));
    const after = await readMemory(gateway, stop);
    return {
      robots,
      capacity,
      seconds,
      early: stop.aborted,
      samples,
      missed: sum(({ missed }) => missed) + rest.missed,
      silent: fleet.silent,
      memory: { before, after },
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

/** A ramp in large steps, then one in small steps between the last that was sound and the next. */
async function calibrate(load: LoadOptions): Promise<number> {
  progress('calibration: a ramp to the knee');
  const climb = async (from: number, to: number) => {
    const { ramp } = await measureLoad({ ...load, ramp: `${from}:${to}:${CALIBRATION_S}`, warmup: 3 });
    return { sound: knee(ramp ?? [], load.hz), sizes: (ramp ?? []).map(({ robots }) => robots) };
  };
  const { sound, sizes } = await climb(CALIBRATION_LEAST, CALIBRATION_MOST);
  if (sound === null) {
    throw new BenchError(`${CALIBRATION_LEAST} robots are too many for this machine now: say how many with --robots`);
  }
  const next = sizes.find((robots) => robots > sound);
  return next === undefined ? sound : ((await climb(sound, next)).sound ?? sound);
}

async function readMemory(gateway: GatewayProcess, stop: AbortSignal): Promise<MemoryReading[]> {
  const readings: MemoryReading[] = [];
  while (readings.length < READINGS) {
    readings.push(await gateway.memory());
    await wait(RECOVERY_MS, stop);
  }
  return readings;
}

function tell(samples: readonly SoakSample[], seconds: number): void {
  const last = samples.at(-1);
  if (last === undefined) return;
  const missed = samples.reduce((sum, sample) => sum + sample.missed, 0);
  progress(
    `${last.at_s.toFixed(0)} of ${seconds} s: ${missed} ticks missed, RSS ${last.rss_mb.toFixed(0)} MB, jitter p99 ${last.jitter_p99_ms?.toFixed(1) ?? '–'} ms`,
  );
}

/** Less where it is stopped. */
const wait = (ms: number, stop: AbortSignal): Promise<void> =>
  sleep(Math.max(0, ms), undefined, { signal: stop }).catch(() => {});
