import { median, round3 } from '../stats/median.js';
import type { ClientResult } from './client-messages.js';
import type { ServerRounds, WorkloadRounds } from './measure-peers.js';
import { read } from './peers-findings.js';
import { SERVER_LABELS } from './servers.js';

/** The medians of each server beside the others, and what it does by the number of clients. */
export function workloadLines({ workload, servers, versions }: WorkloadRounds, clients: number): string[] {
  const heads = [
    '',
    'frames/s',
    'p50 ms',
    'p99 ms',
    'server µs',
    'client µs',
    'client cores',
    '1 client p50',
    'half load p99',
    '1 client',
  ]; // prettier-ignore
  const rows = servers.map((of) => {
    const middle = (results: readonly ClientResult[], pick: (result: ClientResult) => number): string =>
      text(median(results.map(pick)));
    return [
      SERVER_LABELS[of.server],
      middle(of.saturated, read.frames_per_s),
      middle(of.saturated, read.p50_ms),
      middle(of.saturated, read.p99_ms),
      middle(of.saturated, read.cpu_us_per_frame),
      middle(of.saturated, ({ clientCpuMs, answers }) => (1_000 * clientCpuMs) / answers),
      middle(of.saturated, ({ clientCpuMs, wallMs }) => clientCpuMs / wallMs),
      middle(of.alone, read.p50_ms),
      middle(of.halfMany, read.p99_ms),
      middle(of.halfOne, read.p99_ms),
    ];
  });
  return [
    `${workload.id}: ${workload.about}; ${servers[0]?.saturated[0]?.bytesAFrame ?? 0} bytes a frame, ${clients} clients`,
    ...table([heads, ...rows]),
    ...sweepLines(servers),
    `  ${Object.entries(versions)
      .map(
        ([server, of]) =>
          `${server}: ${Object.entries(of)
            .map(([name, version]) => `${name} ${version}`)
            .join(', ')}`,
      )
      .join('; ')}`,
    '',
  ];
}

function sweepLines(servers: readonly ServerRounds[]): string[] {
  const counts = servers[0]?.sweep.map(({ clients }) => clients) ?? [];
  if (counts.length === 0) return [];
  const cells = ({ sweep }: ServerRounds) =>
    sweep.map(({ result }) => `${text(read.p50_ms(result))}/${text(read.p99_ms(result))}`);
  return [
    '  latency p50/p99, ms, by clients',
    ...table([['', ...counts.map(String)], ...servers.map((of) => [SERVER_LABELS[of.server], ...cells(of)])]),
  ];
}

function table(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, i) => Math.max(...rows.map((row) => row[i]?.length ?? 0)));
  return rows.map(
    (row) =>
      `  ${row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join('  ')}`,
  );
}

const text = (value: number): string => (Number.isFinite(value) ? String(round3(value)) : '–');
