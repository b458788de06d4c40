import { OPENPI_PATH } from '@sinew/protocol/openpi';
import { type Environment, hostEnvironment, openNodeSocket, type RobotEvent } from '@sinew/sdk';
import { Renderer } from '../camera/render.js';
import { wilson } from '../evaluate/wilson.js';
import { WORKSPACE } from '../table/world.js';
import { delayedSockets } from './delayed-socket.js';
import { Episodes } from './episodes.js';
import { OpenpiRobot } from './openpi-robot.js';
import type { SimOptions, SimReport } from './sim-options.js';
import { SimulatedRobot } from './simulated-robot.js';
import { Statistics } from './statistics.js';

const STATUS_MS = 1000;
const STALE_AFTER_MS = 500;
const MAX_STALE_AFTER_MS = 2000;
const RETRY_MS = 2000;
/** Of tabletop-v1's chunks half, as in lockstep. */
const OPENPI_EXECUTE = 4;

/**
 * Simulated robots against a gateway, until their episodes are over or `signal` ends them. With Infinity episodes a robot
 * that loses its session for good starts another; otherwise the first such loss ends the run with its error.
 */
export async function runSim(options: SimOptions): Promise<SimReport> {
  const host = options.environment ?? hostEnvironment(openNodeSocket);
  const statistics = new Statistics();
  const robots = createRobots(options, host, statistics);
  const started = host.now();
  const stop = (): void => {
    for (const robot of robots) robot.stop();
  };
  options.signal?.addEventListener('abort', stop, { once: true });
  if (options.signal?.aborted === true) stop();
  const report = (): void => options.onStatus?.(robots.map((robot) => robot.status()));
  const status = options.onStatus === undefined ? null : setInterval(report, STATUS_MS);
  try {
    const runs = await Promise.allSettled(
      robots.map((robot) =>
        keepRunning(robot, options, host).catch((error: unknown) => {
          stop();
          throw error;
        }),
      ),
    );
    const failed = runs.find((run) => run.status === 'rejected');
    if (failed !== undefined && options.signal?.aborted !== true) throw failed.reason;
  } finally {
    if (status !== null) clearInterval(status);
    options.signal?.removeEventListener('abort', stop);
  }
  return summarise(options, statistics, robots, (host.now() - started) / 1000);
}

type AnyRobot = SimulatedRobot | OpenpiRobot;

function createRobots(options: SimOptions, host: Environment, statistics: Statistics): AnyRobot[] {
  return options.wire === 'openpi' ? openpiRobots(options, host, statistics) : nativeRobots(options, host, statistics);
}

function openpiRobots(options: SimOptions, environment: Environment, statistics: Statistics): OpenpiRobot[] {
  const episodes = new Episodes(options.seed, options.episodes);
  const renderer = new Renderer();
  const execute = options.execute ?? OPENPI_EXECUTE;
  return names(options).map((name) => {
    const query = new URLSearchParams({
      robot_type: 'franka_panda',
      robot_id: name,
      execute: String(execute),
      environment_type: 'simulation',
      workspace: [...WORKSPACE.min, ...WORKSPACE.max].join(','),
      ...(options.hz === undefined ? {} : { control_hz: String(options.hz) }),
      ...(options.model === undefined ? {} : { policy: options.model }),
      ...(options.smoothing === undefined ? {} : { smoothing: options.smoothing }),
    });
    return new OpenpiRobot({
      name,
      url: `${options.url.replace(/^http/, 'ws').replace(/\/$/, '')}${OPENPI_PATH}?${query}`,
      apiKey: options.apiKey,
      tlsCa: options.tlsCa ?? null,
      execute,
      blind: options.blind ?? null,
      environment,
      renderer,
      episodes,
      statistics,
      onEpisode: (episode) => options.onEpisode?.(name, episode),
    });
  });
}

/** No more robots than episodes. */
function names(options: SimOptions): string[] {
  const name = options.name ?? `sim-${process.pid}`;
  return Array.from({ length: Math.min(options.robots, options.episodes) }, (_, i) => `${name}-${i + 1}`);
}

function nativeRobots(options: SimOptions, host: Environment, statistics: Statistics): SimulatedRobot[] {
  const delayMs = options.delayMs ?? 0;
  const environment = delayMs > 0 ? { ...host, openSocket: delayedSockets(host.openSocket, delayMs, host) } : host;
  const episodes = new Episodes(options.seed, options.episodes);
  const renderer = new Renderer();
  return names(options).map((robotId) => {
    return new SimulatedRobot({
      name: robotId,
      connect: {
        url: options.url,
        apiKey: options.apiKey,
        robotType: 'franka_panda',
        robotId,
        staleAfterMs: Math.min(MAX_STALE_AFTER_MS, STALE_AFTER_MS + delayMs),
        environment: {
          environment_type: 'simulation',
          workspace: { min: [...WORKSPACE.min], max: [...WORKSPACE.max] },
        },
        client: { name: 'sinew simulator', version: '0.1.0' },
        ...(options.hz === undefined ? {} : { controlHz: options.hz }),
        ...(options.pacing === undefined ? {} : { pacing: options.pacing }),
        ...(options.model === undefined ? {} : { model: options.model }),
        ...(options.execute === undefined ? {} : { execute: options.execute }),
        ...(options.blend === undefined ? {} : { blend: options.blend }),
        ...(options.smoothing === undefined ? {} : { smoothing: options.smoothing }),
      },
      blind: options.blind ?? null,
      frames: options.frames ?? 'jpeg',
      photograph: options.photograph ?? null,
      environment,
      renderer,
      episodes,
      statistics,
      patient: !Number.isFinite(options.episodes),
      onEvent: (event: RobotEvent) => options.onEvent?.(robotId, event),
      onEpisode: (episode) => options.onEpisode?.(robotId, episode),
    });
  });
}

async function keepRunning(robot: AnyRobot, { episodes, signal, onEvent }: SimOptions, host: Environment) {
  for (;;) {
    try {
      return await robot.run();
    } catch (error) {
      if (Number.isFinite(episodes) || signal?.aborted === true) throw error;
      const reason = error instanceof Error ? error.message : String(error);
      onEvent?.(robot.status().robot, { type: 'notice', code: 'session_lost', message: reason });
      await new Promise<void>((resolve) => host.setTimeout(resolve, RETRY_MS));
    }
  }
}

function summarise(
  options: SimOptions,
  statistics: Statistics,
  robots: readonly AnyRobot[],
  seconds: number,
): SimReport {
  const rates = robots.flatMap(({ ticks }) => ticks.hz ?? []);
  const byTask = Object.entries(statistics.tasks).map(([task, counts]) => [
    task,
    { ...counts, success_rate: ratio(counts.successes, counts.episodes) },
  ]);
  const [low, high] = wilson(statistics.successes, statistics.episodes);
  return {
    robots: options.robots,
    seed: options.seed,
    wire: options.wire ?? 'sinew.v1',
    delay_ms: options.delayMs ?? 0,
    blind: options.blind ?? null,
    seconds: rounded(seconds, 2),
    episodes: statistics.episodes,
    success_rate: ratio(statistics.successes, statistics.episodes),
    success_95: [rounded(low, 4), rounded(high, 4)],
    by_task: Object.fromEntries(byTask),
    wrong_lifts: statistics.wrongLifts,
    tick_hz: rounded(rates.reduce((sum, hz) => sum + hz, 0) / Math.max(1, rates.length), 3),
    actions: statistics.actions,
    age_ms: { p50: statistics.ages.percentile(0.5), p99: statistics.ages.percentile(0.99) },
    missed_ticks: robots.reduce((sum, { ticks }) => sum + ticks.missed, 0),
    holds: { ...statistics.holds },
    clamped_rate: ratio(statistics.clamped, statistics.actions),
    superseded: statistics.superseded,
    reconnects: statistics.reconnects,
  };
}

const ratio = (part: number, whole: number): number => (whole === 0 ? 0 : rounded(part / whole, 4));
const rounded = (value: number, digits: number): number => Number(value.toFixed(digits));
