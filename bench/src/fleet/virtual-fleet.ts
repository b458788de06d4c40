import { ModelCatalogue } from '@sinew/gateway';
import { serveInProcess } from '@sinew/gateway/in-process';
import type { JournalWriter } from '@sinew/journal';
import { type Bundle, type PolicyBackend, Scheduler, type SchedulerOrder } from '@sinew/policy';
import { type FinishedEpisode, runSim } from '@sinew/simulator';
import { createLogger, createMetrics } from '@sinew/telemetry';
import { LateCamera } from './late-camera.js';
import { randomFrom } from './random.js';
import type { ServiceTime } from './service-time.js';
import { VirtualAccelerator } from './virtual-accelerator.js';
import { type Link, virtualSockets } from './virtual-link.js';
import { VirtualTime } from './virtual-time.js';

export interface FleetRun {
  readonly bundle: Bundle;
  /** Started. */
  readonly policy: PolicyBackend;
  readonly robots: number;
  readonly order: SchedulerOrder;
  readonly horizon: 'fixed' | 'adaptive';
  readonly service: ServiceTime;
  readonly maxBatch: number;
  readonly link: Link;
  readonly hz: number;
  readonly seed: number;
  /** Not counted, then counted; virtual seconds. */
  readonly warmUpS: number;
  readonly seconds: number;
  readonly depth: number;
}

export interface FleetFigures {
  readonly episodes: number;
  readonly successes: number;
  /** A minute. */
  readonly episodesPerMinute: number;
  readonly successesPerMinute: number;
  readonly successRate: number;
  /** Of all ticks of robots: moving, and held for want of a chunk. */
  readonly actions: number;
  readonly starved: number;
  /** The largest share of its ticks that one robot was held, and the smallest. */
  readonly worstHeld: number;
  readonly leastHeld: number;
  readonly inferencesPerS: number;
  readonly meanBatch: number;
  readonly busyShare: number;
  readonly queueMs: number;
  readonly ageP50Ms: number;
  readonly ageP99Ms: number;
  readonly missedTicks: number;
  /** Mean execution horizon of the sessions at the end, ticks. */
  readonly horizonTicks: number;
}

const SWEEP_MS = 250;
/** Between a record and its callback: a write to the disk's cache. */
const JOURNAL_MS = 0.2;
/** Robots come within so long. */
const SPREAD_MS = 2_000;

/**
 * Simulated robots at their tasks against one modelled accelerator, under a virtual clock: the client, its robots, gateway sessions,
 * control loops, scheduler and the policy's chunks are the real ones; sockets, journal and time are not.
 */
export async function runVirtualFleet(run: FleetRun): Promise<FleetFigures> {
  const { bundle, robots, service, link } = run;
  const time = new VirtualTime();
  const random = randomFrom(run.seed);
  const metrics = createMetrics();
  const log = createLogger('bench', 'error');
  const camera = new LateCamera();
  const accelerator = new VirtualAccelerator(run.policy, time, camera, service, run);
  const scheduler = new Scheduler({
    backend: accelerator,
    now: () => time.now(),
    order: run.order,
    admission: 1e6,
    batchDeadlineMs: 60_000,
    defer: (task) => void time.after(0, task),
    setTimer: (task, ms) => time.after(ms, task),
  });
  const description = bundle.describe();
  const model = { description, bundle, backend: accelerator, scheduler, status: 'ready' } as const;
  const gateway = serveInProcess({
    settings: {
      max_sessions: robots,
      stale_after_ms: 500,
      open_timeout_ms: 5_000,
      ping_interval_ms: 5_000,
      max_frame_bytes: 4_194_304,
      resume_window_ms: 15_000,
      horizon: run.horizon,
    },
    clock: time,
    // Node's timers take a millisecond at least, and the pacer counts on it.
    timer: { start: (task, ms) => time.after(Math.max(1, ms), task) },
    journal: journalOf(time),
    models: new ModelCatalogue([model]),
    metrics,
    log,
  });
  const openSocket = virtualSockets(time, link, SPREAD_MS, random, (client) => gateway.connect(client));
  const timers = new Map<object, () => void>();
  const environment = {
    now: () => time.now(),
    setTimeout: (task: () => void, ms: number) => {
      const handle = {};
      timers.set(
        handle,
        time.after(ms, () => {
          timers.delete(handle);
          task();
        }),
      );
      return handle;
    },
    clearTimeout: (handle: object | number) => {
      timers.get(handle as object)?.();
      timers.delete(handle as object);
    },
    random,
    openSocket,
  };
  const stop = new AbortController();
  const finished: FinishedEpisode[] = [];
  const from = time.now() + SPREAD_MS + run.warmUpS * 1_000;
  const to = from + run.seconds * 1_000;
  let over = false;
  const sim = runSim({
    url: 'ws://fleet.invalid',
    apiKey: 'none',
    robots,
    episodes: Number.POSITIVE_INFINITY,
    seed: run.seed,
    hz: run.hz,
    frames: 'rgb8',
    photograph: camera.photograph,
    name: 'fleet',
    signal: stop.signal,
    environment,
    onEpisode: (_robot, episode) => {
      if (time.now() >= from && time.now() < to) finished.push(episode);
    },
  }).finally(() => {
    over = true;
  });
  const sweep = (): void => {
    gateway.sweep();
    if (!over) time.after(SWEEP_MS, sweep);
  };
  sweep();
  let begin = reading();
  let end = begin;
  let held: number[] = [];
  let horizon = 0;
  time.after(from - time.now(), () => {
    begin = reading();
  });
  time.after(to - time.now(), () => {
    end = reading();
    held = [...gateway.sessions].map(({ id, counters }) => {
      const before = begin.sessions.get(id) ?? { actions: 0, starved: 0 };
      const { actions = 0, holds_starved = 0 } = counters.snapshot();
      const starved = holds_starved - before.starved;
      return starved / Math.max(1, actions - before.actions + starved);
    });
    horizon = mean([...gateway.sessions].map((session) => session.horizon));
    stop.abort();
  });
  function reading() {
    const stats = scheduler.stats();
    const sessions = new Map<string, { actions: number; starved: number }>();
    let actions = 0;
    let starved = 0;
    for (const { id, counters } of gateway.sessions) {
      const now = counters.snapshot();
      const session = { actions: now.actions ?? 0, starved: now.holds_starved ?? 0 };
      sessions.set(id, session);
      actions += session.actions;
      starved += session.starved;
    }
    return { stats, busyMs: accelerator.busyMs, sessions, actions, starved };
  }
  try {
    await time.runUntil(() => over);
    const report = await sim;
    const successes = finished.filter(({ success }) => success).length;
    const taken = end.stats.taken - begin.stats.taken;
    const batches = sum(end.stats.batches) - sum(begin.stats.batches);
    const actions = end.actions - begin.actions;
    return {
      episodes: finished.length,
      successes,
      episodesPerMinute: (60 * finished.length) / run.seconds,
      successesPerMinute: (60 * successes) / run.seconds,
      successRate: finished.length === 0 ? 0 : successes / finished.length,
      actions,
      starved: end.starved - begin.starved,
      worstHeld: Math.max(...held),
      leastHeld: Math.min(...held),
      inferencesPerS: taken / run.seconds,
      meanBatch: taken / Math.max(1, batches),
      busyShare: (end.busyMs - begin.busyMs) / (1_000 * run.seconds),
      queueMs: (end.stats.waitMs - begin.stats.waitMs) / Math.max(1, taken),
      ageP50Ms: report.age_ms.p50,
      ageP99Ms: report.age_ms.p99,
      missedTicks: report.missed_ticks,
      horizonTicks: horizon,
    };
  } finally {
    scheduler.close();
    await gateway.close();
    await accelerator.close();
  }
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
const mean = (values: readonly number[]): number => sum(values) / Math.max(1, values.length);

/** A journal that keeps nothing, and says so as soon as a disk would. */
function journalOf(time: VirtualTime): JournalWriter {
  let logId = 1;
  const journal = {
    append: (_record: unknown, onWritten?: () => void) => {
      if (onWritten !== undefined) time.after(JOURNAL_MS, onWritten);
    },
    nextLogId: () => logId++,
    latched: () => false,
    poll: () => {},
    sync: async () => {},
    pressure: () => ({ usedBytes: 0, budgetBytes: 1, level: 'ok', customer: () => 0 }),
  };
  return journal as unknown as JournalWriter;
}
