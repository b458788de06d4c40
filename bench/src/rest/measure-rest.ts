import { setTimeout as sleep } from 'node:timers/promises';
import { STREAM_PATH } from '@sinew/protocol';
import { BenchError, progress } from '../command.js';
import { Fleet } from '../load/fleet.js';
import type { GatewayReport } from '../load/gateway-probe.js';
import { GatewayProcess } from '../load/gateway-process.js';
import type { LoadOptions } from '../load/load-options.js';
import { observationFrames } from '../load/measure-load.js';
import { openMessage } from '../load/target.js';
import { type Machine, machine } from '../machine.js';
import type { Percentiles } from '../stats/latencies.js';
import { makeFeedbackAccount } from './feedback-account.js';
import { OpenLoop } from './open-loop.js';
import type { RestOptions } from './rest-command.js';

/** What robots feel: of the gateway's own clock, in one part of the run. */
export interface Felt {
  readonly tick_jitter_ms: Percentiles | null;
  readonly event_loop_delay_p99_ms: number;
  readonly gateway_cores: number;
}

export interface RestResult {
  readonly machine: Machine;
  readonly robots: number;
  readonly hz: number;
  readonly rate: number;
  readonly seconds: number;
  /** From the intended time of each request. */
  readonly latency_ms: Percentiles | null;
  readonly sent: number;
  readonly statuses: Readonly<Record<string, number>>;
  /** Rows in the table at the end, of all requests. */
  readonly stored: number;
  readonly send_lag_ms: Percentiles | null;
  readonly alone: Felt;
  readonly beside: Felt;
  /** p99 beside the requests minus p99 alone. */
  readonly jitter_added_p99_ms: number | null;
}

/** Between parts of the run: not measured. */
const SETTLE_MS = 2_000;

/** One gateway, the same robots throughout: first alone, then beside the requests. */
export async function measureRest(options: RestOptions): Promise<RestResult> {
  if (options.database_url === null) throw new BenchError('--database-url is needed, or DATABASE_URL');
  const account = await makeFeedbackAccount(options.database_url);
  const robots = { ...ROBOTS, ...options };
  let gateway: GatewayProcess | null = null;
  let fleet: Fleet | null = null;
  let posts: OpenLoop | null = null;
  try {
    gateway = await GatewayProcess.start(
      {
        policy: robots.policy,
        policyThreads: robots.policy_threads,
        maxSessions: robots.robots,
        key: account.key,
        bare: false,
        databaseUrl: options.database_url,
      },
      null,
    );
    const { port } = gateway;
    fleet = new Fleet({
      robots: robots.robots,
      hz: robots.hz,
      obsHz: robots.hz,
      rampMs: robots.warmup * 600,
      open: openMessage(robots),
      target: { host: '127.0.0.1', port, path: STREAM_PATH, key: account.key },
    });
    fleet.drive(await observationFrames(await fleet.open(), robots, FRAME_KB));
    posts = new OpenLoop({
      port,
      path: '/v1/feedback/success',
      key: account.key,
      rate: options.rate,
      body: (n) => JSON.stringify({ log_id: account.logIds[n % account.logIds.length], rating: 1 + (n % 5) }),
    });
    progress(`${robots.robots} robots, warming up`);
    await sleep(robots.warmup * 1_000);
    const alone = await part(gateway, options.seconds, 'the robots alone');
    posts.start();
    await sleep(SETTLE_MS);
    posts.measure(true);
    const beside = await part(gateway, options.seconds, `beside ${options.rate} requests/s`);
    posts.measure(false);
    await posts.stop();
    const stored = await account.stored();
    const p99 = (felt: Felt) => felt.tick_jitter_ms?.p99 ?? null;
    const [before, after] = [p99(alone), p99(beside)];
    return {
      machine: machine(),
      robots: robots.robots,
      hz: robots.hz,
      rate: options.rate,
      seconds: options.seconds,
      latency_ms: posts.latency.summary(),
      sent: posts.sent,
      statuses: posts.statuses,
      stored,
      send_lag_ms: posts.sendLag.summary(),
      alone,
      beside,
      jitter_added_p99_ms: before === null || after === null ? null : after - before,
    };
  } finally {
    await posts?.stop();
    fleet?.close();
    await gateway?.stop();
    await account.remove();
  }
}

async function part(gateway: GatewayProcess, seconds: number, doing: string): Promise<Felt> {
  progress(doing);
  await gateway.mark();
  await sleep(seconds * 1_000);
  return felt(await gateway.report());
}

const felt = ({ tickLateness, loopDelayMs, cpuMs, wallMs }: GatewayReport): Felt => ({
  tick_jitter_ms: tickLateness,
  event_loop_delay_p99_ms: loopDelayMs.p99,
  gateway_cores: cpuMs / wallMs,
});

const FRAME_KB = 20;

/** What the robots of `load` are, where this bench has no option of its own. */
const ROBOTS = {
  obs_hz: null,
  policy: 'null',
  policy_threads: 1,
  image: 'jpeg',
  frame_kb: String(FRAME_KB),
  delay_ms: 0,
  jitter_ms: 0,
  loss: 0,
  reconnect_storm: null,
  ramp: null,
  seed: 1,
  pacing: 'paced',
  idle: false,
  hostile: false,
  profile: null,
  bare: false,
  url: null,
  key: null,
} as const satisfies Partial<LoadOptions>;
