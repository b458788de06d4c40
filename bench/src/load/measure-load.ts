import { setTimeout as sleep } from 'node:timers/promises';
import type { Opened } from '@sinew/protocol';
import { BenchError, progress } from '../command.js';
import { seeded } from '../stats/random.js';
import { gradient, jpegOfSize } from './camera-image.js';
import { Fleet, type Frames, now } from './fleet.js';
import type { Lap } from './fleet-record.js';
import type { GatewayProcess } from './gateway-process.js';
import { HostileClients } from './hostile-clients.js';
import { isPerfect } from './link.js';
import { conditionsOf, type LoadOptions } from './load-options.js';
import { type LoadResult, loadResult } from './load-report.js';
import { MetricsPage } from './metrics-page.js';
import { Network } from './network.js';
import { ObservationFrame } from './observation-frame.js';
import { classOfRobots, type FrameClass, frameClasses, rampOption, stormOption } from './option-texts.js';
import { type RampStep, rampSteps } from './ramp.js';
import { openMessage, openTarget } from './target.js';

/** Longest time beyond warm-up and measurement: opening, scraping, stopping. Then the run is given up. */
const OVERHEAD_MS = 120_000;
const PROGRESS_MS = 10_000;
/** Of the warm-up, in which the robots begin one by one. */
const RAMP_SHARE = 0.6;
/** Parts of the window of which some figures are told one by one: what they vary by. */
const LAPS = 5;
/** Within this of the end no more sockets are cut. */
const STORM_END_MS = 3_000;
/** Of a step, not counted: the robots that joined are still settling. */
const STEP_SETTLE_SHARE = 0.3;

export async function measureLoad(asked: LoadOptions): Promise<LoadResult> {
  const ramp = asked.ramp === null ? null : rampOption(asked.ramp);
  const storm = asked.reconnect_storm === null ? null : stormOption(asked.reconnect_storm);
  const classes = frameClasses(asked.frame_kb);
  const options: LoadOptions = ramp === null ? asked : { ...asked, robots: ramp.to, seconds: ramp.seconds };
  const obsHz = options.obs_hz ?? options.hz;
  const random = seeded(options.seed);
  const conditions = conditionsOf(options);
  const target = await openTarget(options);
  const fleet = new Fleet({
    robots: options.robots,
    hz: options.hz,
    obsHz,
    rampMs: options.warmup * RAMP_SHARE * 1_000,
    open: openMessage(options),
    target: target.stream,
    sizeClasses: classOfRobots(classes, options.robots),
    network: isPerfect(conditions) ? null : new Network(conditions, options.robots, random, now),
  });
  const hostile = options.hostile ? new HostileClients(target.stream, openMessage(options)) : null;
  const limit = setTimeout(
    () => {
      progress('the run takes too long and is given up');
      process.exit(1);
    },
    (options.warmup + options.seconds) * 1_000 + OVERHEAD_MS,
  );
  let cutting: NodeJS.Timeout | null = null;
  try {
    progress(`opening ${options.robots} sessions`);
    const opened = await fleet.open();
    if (ramp !== null) fleet.activate(ramp.from);
    fleet.drive(...(await framesOfClasses(opened, options, classes)));
    hostile?.start();
    await pause(options.warmup, 'warming up');
    const before = await MetricsPage.fetch(target.http);
    await target.gateway?.mark();
    fleet.measure(true);
    const startedMs = performance.now();
    const cpu = process.cpuUsage();
    if (storm !== null) {
      cutting = setInterval(() => {
        // Not so near the end that nobody could be back.
        const leftMs = options.seconds * 1_000 - (performance.now() - startedMs);
        if (leftMs >= Math.min(storm.everyMs, STORM_END_MS)) fleet.cut(storm.share, random);
      }, storm.everyMs);
    }
    const steps = ramp === null ? null : await climb(fleet, target.gateway, rampSteps(ramp));
    const laps = ramp === null ? await driveLaps(fleet, options.seconds) : [];
    if (cutting !== null) clearInterval(cutting);
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
      laps,
      ramp: steps,
    });
  } finally {
    clearTimeout(limit);
    if (cutting !== null) clearInterval(cutting);
    hostile?.stop();
    fleet.close();
    await target.gateway?.stop();
  }
}

async function driveLaps(fleet: Fleet, seconds: number): Promise<Lap[]> {
  const laps: Lap[] = [];
  for (let lap = 1; lap <= LAPS; lap++) {
    progress(`measuring, part ${lap} of ${LAPS}`);
    await sleep((1_000 * seconds) / LAPS);
    laps.push(fleet.lap());
  }
  return laps;
}

/** More robots step by step. Each step is measured by itself, once those that joined have settled. */
async function climb(
  fleet: Fleet,
  gateway: GatewayProcess | null,
  { robots, stepMs }: ReturnType<typeof rampSteps>,
): Promise<RampStep[]> {
  const steps: RampStep[] = [];
  for (const count of robots) {
    fleet.activate(count);
    await sleep(STEP_SETTLE_SHARE * stepMs);
    fleet.lap();
    await gateway?.mark();
    await pause(((1 - STEP_SETTLE_SHARE) * stepMs) / 1_000, `${count} robots`);
    const report = (await gateway?.report()) ?? null;
    const { age, missed, received, sendLag } = fleet.lap();
    steps.push({
      robots: count,
      age_p99_ms: age?.p99 ?? null,
      usable_p99_ms: report?.usable?.p99 ?? null,
      jitter_p99_ms: report?.tickLateness?.p99 ?? null,
      missed_share: missed / Math.max(1, missed + received),
      gateway_cores: report === null ? null : Number((report.cpuMs / report.wallMs).toFixed(3)),
      send_lag_p99_ms: sendLag?.p99 ?? null,
    });
  }
  return steps;
}

/** Sleeps, and says on stderr that it is still there. */
async function pause(seconds: number, doing: string): Promise<void> {
  const end = performance.now() + seconds * 1_000;
  for (let left = seconds * 1_000; left > 0; left = end - performance.now()) {
    progress(`${doing}, ${Math.ceil(left / 1_000)} s left`);
    await sleep(Math.min(left, PROGRESS_MS));
  }
}

/** Of each size, in order; of the first alone where frames are raw. */
function framesOfClasses(opened: Opened, options: LoadOptions, classes: readonly FrameClass[]): Promise<Frames[]> {
  return Promise.all(classes.map(({ kb }) => observationFrames(opened, options, kb)));
}

export async function observationFrames({ model, pacing }: Opened, options: LoadOptions, kb: number): Promise<Frames> {
  const images: Record<string, unknown> = {};
  for (const { name, width, height } of model.inputs.cameras) {
    images[name] =
      options.image === 'jpeg'
        ? await jpegOfSize(width, height, Math.round((kb * 1_000) / model.inputs.cameras.length))
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
