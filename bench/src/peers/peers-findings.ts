import type { Figure, Findings, Goal, Series } from '../result.js';
import { median } from '../stats/median.js';
import type { ClientResult } from './client-messages.js';
import { perSecond, type ServerRounds, type WorkloadRounds } from './measure-peers.js';
import { SERVER_LABELS, type ServerId } from './servers.js';

type Read = (result: ClientResult) => number;
const READ = {
  frames_per_s: perSecond,
  p50_ms: ({ latency }) => latency?.p50 ?? Number.NaN,
  p99_ms: ({ latency }) => latency?.p99 ?? Number.NaN,
  cpu_us_per_frame: ({ serverCpuMs, answers }) => (serverCpuMs === null ? Number.NaN : (1_000 * serverCpuMs) / answers),
} as const satisfies Record<string, Read>;
type Kind = keyof typeof READ;

const KINDS: Readonly<Record<Kind, { label: string; unit: string; better: Figure['better'] }>> = {
  frames_per_s: { label: 'frames/s', unit: '1/s', better: 'higher' },
  p50_ms: { label: 'latency p50', unit: 'ms', better: 'lower' },
  p99_ms: { label: 'latency p99', unit: 'ms', better: 'lower' },
  cpu_us_per_frame: { label: 'CPU of the server a frame', unit: 'µs', better: 'lower' },
};

/** Of `/v1/openpi` against the others: the same wire, the same frames. */
const GOALS: Readonly<Record<string, Goal>> = {
  'null-20.echo.frames_per_s': { op: '>=', value: 0.7 },
  'null-20.python.cpu_us_per_frame': { op: '<=', value: 0.7 },
  'null-300.python.cpu_us_per_frame': { op: '<=', value: 0.25 },
  'wide.python.frames_per_s': { op: '>=', value: 4 },
  'wide.python.p99_ms': { op: '<=', value: 0.3 },
  'tabletop.python.frames_per_s': { op: '>=', value: 1.3 },
  'tabletop.python.p99_ms': { op: '<=', value: 0.7 },
};
const MANY_OVER_ONE: Goal = { op: '<=', value: 3 };
const OURS: readonly ServerId[] = ['sinew', 'sinew_native'];
const OTHERS: readonly ServerId[] = ['echo', 'ws', 'python'];
/** From here on the client is what limits. */
export const CLIENT_FULL = 0.9;

export function peersFindings(workloads: readonly WorkloadRounds[], clients: number): Findings {
  return {
    figures: workloads.flatMap((of) => [...ratios(of, clients), ...absolutes(of)]),
    series: workloads.flatMap(sweeps),
  };
}

function absolutes({ workload, servers }: WorkloadRounds): Figure[] {
  return servers.flatMap(({ server, saturated }) =>
    (Object.keys(KINDS) as Kind[]).flatMap((kind) =>
      figure(
        `${workload.id}.${server}.${kind}`,
        `${workload.id}: ${SERVER_LABELS[server]}, ${KINDS[kind].label}`,
        KINDS[kind],
        saturated.map(READ[kind]),
      ),
    ),
  );
}

/** Round by round, and the median of these: both sides were measured within the same half minute. */
function ratios({ workload, servers }: WorkloadRounds, clients: number): Figure[] {
  const find = (id: ServerId) => servers.find(({ server }) => server === id);
  const out: Figure[] = [];
  for (const ours of OURS.map(find)) {
    if (ours === undefined) continue;
    for (const other of OTHERS.map(find)) {
      if (other === undefined) continue;
      for (const kind of ['frames_per_s', 'p50_ms', 'p99_ms', 'cpu_us_per_frame'] as const) {
        const values = ours.saturated.map((result, i) => {
          const beside = other.saturated[i];
          return beside === undefined ? Number.NaN : READ[kind](result) / READ[kind](beside);
        });
        const goal = ours.server === 'sinew' ? GOALS[`${workload.id}.${other.server}.${kind}`] : undefined;
        const label = `${workload.id}: ${SERVER_LABELS[ours.server]} over ${SERVER_LABELS[other.server]}, ${KINDS[kind].label}`;
        const name = `${workload.id}.${ours.server}_over_${other.server}.${kind}`;
        out.push(...figure(name, label, { unit: '×', better: KINDS[kind].better }, values, goal));
      }
    }
  }
  for (const rounds of servers) out.push(...manyOverOne(workload.id, rounds, clients));
  return out;
}

function manyOverOne(workload: string, { server, halfMany, halfOne }: ServerRounds, clients: number): Figure[] {
  const values = halfMany.map((many, i) => {
    const one = halfOne[i];
    return one === undefined ? Number.NaN : READ.p99_ms(many) / READ.p99_ms(one);
  });
  const label = `${workload}: ${SERVER_LABELS[server]}, p99 of ${clients} clients over p99 of 1, each at half of its capacity`;
  const goal = server === 'sinew' ? MANY_OVER_ONE : undefined;
  return figure(`${workload}.${server}.p99_many_over_one`, label, { unit: '×', better: 'lower' }, values, goal);
}

/** None where a round has nothing to tell: a figure of nothing is not zero. */
function figure(
  name: string,
  label: string,
  { unit, better }: { unit: string; better: Figure['better'] },
  rounds: readonly number[],
  goal?: Goal,
): Figure[] {
  if (rounds.length === 0 || rounds.some((value) => !Number.isFinite(value))) return [];
  const stable = `peers.${name.replaceAll('-', '_')}`;
  return [
    { name: stable, label, unit, better, value: median(rounds), rounds, ...(goal === undefined ? {} : { goal }) },
  ];
}

function sweeps({ workload, servers }: WorkloadRounds): Series[] {
  if (servers.every(({ sweep }) => sweep.length === 0)) return [];
  const of = (kind: Kind, title: string): Series => ({
    name: `peers.${workload.id.replaceAll('-', '_')}.${kind}_by_clients`,
    title: `${workload.id}: ${title}`,
    x: { label: 'clients', log: true },
    y: { label: KINDS[kind].label, unit: KINDS[kind].unit, log: true },
    lines: servers.map(({ server, sweep }) => ({
      label: SERVER_LABELS[server],
      points: sweep.flatMap(({ clients, result }): [number, number][] => {
        const value = READ[kind](result);
        return Number.isFinite(value) ? [[clients, value]] : [];
      }),
    })),
  });
  return [
    of('p50_ms', 'latency p50 by clients'),
    of('p99_ms', 'latency p99 by clients'),
    of('frames_per_s', 'frames a second by clients'),
  ];
}

export const read = READ;
