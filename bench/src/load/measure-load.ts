import { setTimeout as sleep } from 'node:timers/promises';
import type { Opened } from '@sinew/protocol';
import { BenchError, progress } from '../command.js';
import { gradient, jpegOfSize } from './camera-image.js';
import { Fleet, type Frames, now } from './fleet.js';
import { HostileClients } from './hostile-clients.js';
import type { LoadOptions } from './load-options.js';
import { type LoadResult, loadResult } from './load-report.js';
import { MetricsPage } from './metrics-page.js';
import { ObservationFrame } from './observation-frame.js';
import { openMessage, openTarget } from './target.js';

/** Longest time beyond warm-up and measurement: opening, scraping, stopping. Then the run is given up. */
const OVERHEAD_MS = 120_000;
const PROGRESS_MS = 10_000;
/** Of the warm-up, in which the robots begin one by one. */
const RAMP_SHARE = 0.6;

export async function measureLoad(options: LoadOptions): Promise<LoadResult> {
  const obsHz = options.obs_hz ?? options.hz;
  const target = await openTarget(options);
  const fleet = new Fleet({
    robots: options.robots,
    hz: options.hz,
    obsHz,
    rampMs: options.warmup * RAMP_SHARE * 1_000,
    open: openMessage(options),
    target: target.stream,
  });
  const hostile = options.hostile ? new HostileClients(target.stream, openMessage(options)) : null;
  const limit = setTimeout(
    () => {
      progress('the run takes too long and is given up');
      process.exit(1);
    },
    (options.warmup + options.seconds) * 1_000 + OVERHEAD_MS,
  );
  try {
    progress(`opening ${options.robots} sessions`);
    const opened = await fleet.open();
    fleet.drive(await observationFrames(opened, options));
    hostile?.start();
    await pause(options.warmup, 'warming up');
    const before = await MetricsPage.fetch(target.http);
    await target.gateway?.mark();
    fleet.measure(true);
    const startedMs = performance.now();
    const cpu = process.cpuUsage();
    await pause(options.seconds, 'measuring');
    fleet.measure(false);
    const endedMs = now();
    const hostileRecord = hostile === null ? null : { ...hostile.record };
    const wallMs = performance.now() - startedMs;
    const { user, system } = process.cpuUsage(cpu);
    const report = (await target.gateway?.report()) ?? null;
    const after = await MetricsPage.fetch(target.http);
    hostile?.stop();
    fleet.close();
    const benchCpuMs = (user + system) / 1_000;
    return loadResult({
      options,
      obsHz,
      opened,
      fleet,
      report,
      before,
      after,
      wallMs,
      endedMs,
      benchCpuMs,
      hostile: hostileRecord,
    });
  } finally {
    clearTimeout(limit);
    hostile?.stop();
    fleet.close();
    await target.gateway?.stop();
  }
}

/** Sleeps, and says on stderr that it is still there. */
async function pause(seconds: number, doing: string): Promise<void> {
  const end = performance.now() + seconds * 1_000;
  for (let left = seconds * 1_000; left > 0; left = end - performance.now()) {
    progress(`${doing}, ${Math.ceil(left / 1_000)} s left`);
    await sleep(Math.min(left, PROGRESS_MS));
  }
}

export async function observationFrames({ model, pacing }: Opened, options: LoadOptions): Promise<Frames> {
  const images: Record<string, unknown> = {};
  for (const { name, width, height } of model.inputs.cameras) {
    images[name] =
      options.image === 'jpeg'
        ? await jpegOfSize(width, height, Math.round((options.frame_kb * 1_000) / model.inputs.cameras.length))
        : { data: gradient(width, height), shape: [height, width, 3], encoding: 'rgb8' };
  }
  const state = new Float64Array(model.inputs.state.dim);
  const pose = model.action.pose;
  if (pose === null) throw new BenchError(`${model.id} has no pose in its state, which the bench's robot needs`);
  state[pose.position[2]] = 0.2;
  state[pose.gripper] = 1;
  // In chunked pacing the robot counts its own ticks, which this one does not execute.
  const applied = pacing === 'paced';
  const make = (withApplied: boolean) => () => new ObservationFrame({ images, state, applied: withApplied });
  return { first: make(false), following: make(applied) };
}
