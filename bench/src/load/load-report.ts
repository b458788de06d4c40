import type { Opened } from '@sinew/protocol';
import { type Machine, machine, machineLine } from '../machine.js';
import { Latencies, type Percentiles, percentilesText } from '../stats/latencies.js';
import { round3 } from '../stats/median.js';
import type { Fleet } from './fleet.js';
import type { Lap } from './fleet-record.js';
import type { GatewayReport, GcPauses, LoopDelay } from './gateway-probe.js';
import type { HostileRecord } from './hostile-clients.js';
import { isPerfect } from './link.js';
import { conditionsOf, type LoadOptions } from './load-options.js';
import { bucketCounts, growth, type MetricsPage } from './metrics-page.js';
import type { RampStep } from './ramp.js';

interface Measured {
  readonly options: LoadOptions;
  readonly obsHz: number;
  readonly opened: Opened;
  readonly fleet: Fleet;
  readonly report: GatewayReport | null;
  readonly before: MetricsPage;
  readonly after: MetricsPage;
  readonly wallMs: number;
  readonly benchCpuMs: number;
  /** The end of the window, on the fleet's clock. */
  readonly endedMs: number;
  readonly hostile: HostileRecord | null;
  /** Parts of the window, in order. */
  readonly laps: readonly Lap[];
  readonly ramp: readonly RampStep[] | null;
}

/** Milliseconds where nothing else is said; bench/README.md says how each figure comes about. */
export interface LoadResult {
  readonly machine: Machine;
  readonly policy: string;
  readonly robots: number;
  readonly hz: number;
  readonly obs_hz: number;
  readonly pacing: string;
  readonly image: string;
  /** A number, or a mix as it was asked for; null for raw pixels. */
  readonly frame_kb: number | string | null;
  readonly seconds: number;
  readonly observations: number;
  readonly actions: number;
  readonly chunks: number;
  readonly age_ms: Percentiles | null;
  readonly added_ms: Percentiles | null;
  readonly chunk_ms: Percentiles | null;
  readonly chunk_usable_ms: Percentiles | null;
  readonly tick_jitter_ms: { readonly server: Percentiles | null; readonly client: Percentiles | null };
  /** Received a robot and second. */
  readonly tick_hz: number;
  readonly missed_ticks: number;
  /** Due when the window ended and not there yet. */
  readonly overdue_ticks: number;
  readonly holds: Readonly<Record<string, number>>;
  /** Of the received ticks, null where there are none by themselves; and robots that have a socket and heard nothing. */
  readonly held_ratio: number | null;
  readonly silent_robots: number;
  readonly errors: Readonly<Record<string, number>>;
  readonly lost_sessions: number;
  readonly server: {
    readonly missed_ticks: number;
    readonly shed_ticks: number;
    readonly superseded: number;
    readonly stale_dropped: number;
    readonly frames_limited: number;
    readonly inferences: Readonly<Record<string, number>>;
  };
  readonly batch: { readonly mean: number | null; readonly sizes: Readonly<Record<string, number>> };
  readonly event_loop_delay_ms: LoopDelay | null;
  readonly gc_pauses: GatewayReport['gc'] | null;
  readonly cpu: {
    /** Cores that were busy: 1 is one core all the time. */
    readonly gateway_cores: number | null;
    readonly policy_cores: number | null;
    /** Of the gateway without its policy threads: ms a second and session, µs an observation. */
    readonly per_session_ms: number | null;
    readonly per_frame_us: number | null;
    readonly bench_cores: number;
    /** An observation sent, with the tick that is received for it. */
    readonly bench_per_frame_us: number;
  };
  readonly gateway_rss_mb: number | null;
  /** What hostile clients did meanwhile; null without them. */
  readonly hostile: HostileRecord | null;
  /** Of sockets that the bench cut; null where it cut none. */
  readonly storm: {
    readonly cut: number;
    readonly resumed: number;
    readonly reopened: number;
    readonly refused: number;
    /** Robots that had no action again by the end. */
    readonly without_action: number;
    readonly first_action_ms: Percentiles | null;
  } | null;
  /** Between client and gateway, both ways, in the client; null for the loopback as it is. */
  readonly network: { readonly delay_ms: number; readonly jitter_ms: number; readonly loss: number } | null;
  readonly laps: readonly Lap[];
  readonly ramp: readonly RampStep[] | null;
  /** How late the bench itself sent: latency counts from the intended time all the same. */
  readonly send_lag_ms: Percentiles | null;
}

export function loadResult(measured: Measured): LoadResult {
  const { options, fleet, report, before, after, wallMs } = measured;
  const { record } = fleet;
  const clientJitter = new Latencies();
  for (const ledger of fleet.ledgers) ledger.recordLateness(clientJitter);
  const received = fleet.ledgers.reduce((sum, ledger) => sum + ledger.received, 0);
  const grown = (name: string): number => after.total(name) - before.total(name);
  const batches = grown('vla_inference_batch_size_count');
  const seconds = wallMs / 1_000;
  return {
    machine: machine(),
    policy: measured.opened.model.id,
    robots: options.robots,
    hz: options.hz,
    obs_hz: measured.obsHz,
    pacing: options.pacing,
    image: options.image,
    frame_kb: options.image === 'jpeg' ? sizeText(options.frame_kb) : null,
    seconds: round3(seconds),
    observations: record.sent,
    actions: record.actions,
    chunks: record.chunks,
    age_ms: record.age.summary(),
    added_ms: addedByServer(fleet, report),
    chunk_ms: record.chunk.summary(),
    chunk_usable_ms: report?.usable ?? null,
    tick_jitter_ms: { server: report?.tickLateness ?? null, client: clientJitter.summary() },
    tick_hz: round3(received / options.robots / seconds),
    missed_ticks: fleet.ledgers.reduce((sum, ledger) => sum + ledger.missed, 0),
    overdue_ticks: fleet.overdue(measured.endedMs),
    holds: record.holds,
    held_ratio: received === 0 ? null : Object.values(record.holds).reduce((sum, n) => sum + n, 0) / received,
    silent_robots: received === 0 ? 0 : fleet.silent,
    errors: record.errors,
    lost_sessions: record.lost,
    server: {
      missed_ticks: grown('vla_stream_missed_ticks_total'),
      shed_ticks: grown('vla_stream_shed_ticks_total'),
      superseded: grown('vla_stream_superseded_total'),
      stale_dropped: grown('vla_inference_deadline_misses_total'),
      frames_limited: grown('vla_stream_frames_limited_total'),
      inferences: growth(
        before.by('vla_inference_requests_total', 'status'),
        after.by('vla_inference_requests_total', 'status'),
      ),
    },
    batch: {
      mean: batches === 0 ? null : round3(grown('vla_inference_batch_size_sum') / batches),
      sizes: bucketCounts(
        before.by('vla_inference_batch_size_bucket', 'le'),
        after.by('vla_inference_batch_size_bucket', 'le'),
      ),
    },
    event_loop_delay_ms: report?.loopDelayMs ?? null,
    gc_pauses: report?.gc ?? null,
    cpu: cpuShare(measured),
    gateway_rss_mb: report === null ? null : Math.round(report.rssBytes / 1e6),
    hostile: measured.hostile,
    storm: stormOf(measured),
    network: isPerfect(conditionsOf(options))
      ? null
      : { delay_ms: options.delay_ms, jitter_ms: options.jitter_ms, loss: options.loss },
    laps: measured.laps,
    ramp: measured.ramp,
    send_lag_ms: record.sendLag.summary(),
  };
}

const sizeText = (text: string): number | string => (text.includes(':') ? text : Number(text));

function stormOf({ fleet, options }: Measured): LoadResult['storm'] {
  if (options.reconnect_storm === null) return null;
  const { cut, firstAction, refused, reopened, resumed } = fleet.record.storm;
  return {
    cut,
    resumed,
    reopened,
    refused,
    without_action: fleet.withoutAction,
    first_action_ms: firstAction.summary(),
  };
}

/**
 * What the server adds to an action, without the wait for its tick: receipt of the observation → its chunk is usable, plus how
 * late the tick came that first carried it. The lateness is the client's (it holds the way through both sockets and the
 * bench's own delay), so the figure errs high. Without a gateway of our own the wire's `latency.total_ms` stands for the
 * first part, which lacks the journal's write.
 */
function addedByServer(fleet: Fleet, report: GatewayReport | null): Percentiles | null {
  const usable = new Map<number, number>();
  report?.logIds.forEach((logId, i) => {
    usable.set(logId, report.usableMs[i] ?? 0);
  });
  const added = new Latencies();
  const origins = new Map(fleet.ledgers.map((ledger) => [ledger, ledger.originMs]));
  for (const { ledger, logId, tick, totalMs } of fleet.firstActions()) {
    added.record((usable.get(logId) ?? totalMs) + ledger.latenessMs(tick, origins.get(ledger)));
  }
  return added.summary();
}

function cpuShare({ report, options, fleet, wallMs, benchCpuMs }: Measured): LoadResult['cpu'] {
  const bench_cores = round3(benchCpuMs / wallMs);
  const bench_per_frame_us = round3((benchCpuMs * 1_000) / Math.max(1, fleet.record.sent));
  if (report === null) {
    return {
      gateway_cores: null,
      policy_cores: null,
      per_session_ms: null,
      per_frame_us: null,
      bench_cores,
      bench_per_frame_us,
    };
  }
  const own = report.cpuMs - (report.policyCpuMs ?? 0);
  // A ramp's report is of its last step: over all frames it would tell nothing.
  const ramped = options.ramp !== null;
  return {
    gateway_cores: round3(report.cpuMs / report.wallMs),
    policy_cores: report.policyCpuMs === null ? null : round3(report.policyCpuMs / report.wallMs),
    per_session_ms: ramped ? null : round3(own / (report.wallMs / 1_000) / options.robots),
    per_frame_us: ramped ? null : round3((own * 1_000) / Math.max(1, fleet.record.sent)),
    bench_cores,
    bench_per_frame_us,
  };
}

export function loadLines(result: LoadResult): string[] {
  const { cpu, batch, server, tick_jitter_ms: jitter, event_loop_delay_ms: loop } = result;
  const size = result.frame_kb === null ? 'raw' : `${result.frame_kb} KB`;
  const counts = (values: Readonly<Record<string, number>>): string =>
    Object.entries(values)
      .map(([key, count]) => `${key}: ${count}`)
      .join(', ') || 'none';
  return [
    machineLine(result.machine),
    `${result.policy}: ${result.robots} robots × ${result.hz} Hz ${result.pacing}, ${result.obs_hz} observations/s each (${size} ${result.image}), ${result.seconds} s`,
    '',
    `action age        ${percentilesText(result.age_ms)}   (from the intended send time)`,
    `added by server   ${percentilesText(result.added_ms)}   (receipt → usable + tick lateness)`,
    `  to the chunk    ${percentilesText(result.chunk_ms)}`,
    `  chunk usable    ${percentilesText(result.chunk_usable_ms)}   (journaled)`,
    `tick jitter       ${percentilesText(jitter.server)}   (server)`,
    `                  ${percentilesText(jitter.client)}   (as clients saw it)`,
    `ticks             ${result.tick_hz} Hz, missed ${result.missed_ticks}, overdue at the end ${result.overdue_ticks} (server: ${server.missed_ticks}, shed ${server.shed_ticks})`,
    `holds             ${counts(result.holds)}`,
    `errors            ${counts(result.errors)}; sessions lost: ${result.lost_sessions}`,
    ...stormLines(result),
    `inferences        ${counts(server.inferences)}; superseded ${server.superseded}, stale ${server.stale_dropped}`,
    `batch size        mean ${batch.mean ?? '–'}; ${counts(batch.sizes)}`,
    `event loop delay  ${loop === null ? 'not measured' : `p50 ${loop.p50.toFixed(2)}  p99 ${loop.p99.toFixed(2)}  max ${loop.max.toFixed(1)} ms`}`,
    `gc pauses         ${gcText(result.gc_pauses)}`,
    `gateway CPU       ${cpu.gateway_cores ?? '–'} cores (policy threads ${cpu.policy_cores ?? '–'}); ${cpu.per_session_ms ?? '–'} ms/s a session, ${cpu.per_frame_us ?? '–'} µs a frame; RSS ${result.gateway_rss_mb ?? '–'} MB`,
    `bench             ${cpu.bench_cores} cores, ${cpu.bench_per_frame_us} µs a frame; sent ${result.observations}; late by ${percentilesText(result.send_lag_ms)}`,
  ];
}

function stormLines({ storm }: LoadResult): string[] {
  if (storm === null) return [];
  const { cut, first_action_ms, refused, reopened, resumed, without_action } = storm;
  return [
    `cut sockets       ${cut}: resumed ${resumed}, opened anew ${reopened}, refused ${refused}, without an action at the end ${without_action}`,
    `  first action    ${percentilesText(first_action_ms)}   (from the cut)`,
  ];
}

function gcText(pauses: LoadResult['gc_pauses']): string {
  if (pauses === null) return 'not measured';
  const text = ({ count, totalMs, maxMs }: GcPauses): string =>
    `${count} of ${totalMs.toFixed(0)} ms in all, max ${maxMs.toFixed(1)}`;
  return `young ${text(pauses.minor)}; whole heap with its steps ${text(pauses.major)}`;
}

type Row = (name: string, of: (result: LoadResult) => string) => string;

/** Two results side by side. */
const sideBySide =
  (left: LoadResult, right: LoadResult): Row =>
  (name, of) =>
    `${name.padEnd(18)}${of(left).padEnd(64)}${of(right)}`;

/** The gateway beside what the machine gives a server that does nothing with a frame: sockets and a pacer alone. */
export function bareLines(bare: LoadResult, gateway: LoadResult): string[] {
  const row = sideBySide(bare, gateway);
  return [
    ...loadLines(gateway),
    '',
    row('', (result) => (result === bare ? 'sockets and pacer alone' : 'gateway')),
    row(
      'ticks',
      ({ tick_hz, missed_ticks, overdue_ticks }) => `${tick_hz} Hz, missed ${missed_ticks}, overdue ${overdue_ticks}`,
    ),
    row('tick jitter', ({ tick_jitter_ms }) => percentilesText(tick_jitter_ms.server)),
    row('  as clients saw', ({ tick_jitter_ms }) => percentilesText(tick_jitter_ms.client)),
    row('bench late by', ({ send_lag_ms }) => percentilesText(send_lag_ms)),
    row(
      'event loop delay',
      ({ event_loop_delay_ms: loop }) => `p99 ${loop?.p99.toFixed(2) ?? '–'}  max ${loop?.max.toFixed(1) ?? '–'} ms`,
    ),
    row('CPU', ({ cpu }) => `${cpu.gateway_cores ?? '–'} cores, ${cpu.per_frame_us ?? '–'} µs a frame`),
  ];
}

/** The same robots alone and beside hostile clients: what should not change, side by side. */
export function hostileLines(alone: LoadResult, beside: LoadResult): string[] {
  const row = sideBySide(alone, beside);
  const { connections, ended, bytes } = beside.hostile ?? { connections: 0, ended: 0, bytes: 0 };
  return [
    machineLine(beside.machine),
    `${beside.policy}: ${beside.robots} robots × ${beside.hz} Hz ${beside.pacing}, ${beside.seconds} s each`,
    `hostile: ${connections} connections (${ended} ended), ${(bytes / 1e6).toFixed(1)} MB sent`,
    '',
    row('', (result) => (result === alone ? 'alone' : 'beside hostile clients')),
    row(
      'ticks',
      ({ tick_hz, missed_ticks, overdue_ticks }) => `${tick_hz} Hz, missed ${missed_ticks}, overdue ${overdue_ticks}`,
    ),
    row('action age', ({ age_ms }) => percentilesText(age_ms)),
    row('added by server', ({ added_ms }) => percentilesText(added_ms)),
    row('tick jitter', ({ tick_jitter_ms }) => percentilesText(tick_jitter_ms.server)),
    row('holds', ({ holds }) => JSON.stringify(holds)),
    row('errors, lost', ({ errors, lost_sessions }) => `${JSON.stringify(errors)}, ${lost_sessions}`),
    row('gateway CPU', ({ cpu }) => `${cpu.gateway_cores ?? '–'} cores`),
  ];
}
