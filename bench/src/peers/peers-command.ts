import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { OptionTable, Values } from '@sinew/config';
import { BenchError, defineCommand, progress } from '../command.js';
import { median } from '../stats/median.js';
import { measurePeers, type PeersPlan, type WorkloadRounds } from './measure-peers.js';
import { CLIENT_FULL, peersFindings } from './peers-findings.js';
import { workloadLines } from './peers-report.js';
import { choosePinning, type Pinning } from './pinning.js';
import { findPython } from './python.js';
import { SERVER_LABELS, type ServerId } from './servers.js';
import { WORKLOADS } from './workloads.js';

const SERVERS = Object.keys(SERVER_LABELS) as ServerId[];
const DEFAULT_SERVERS = SERVERS.filter((id) => id !== 'true_echo');
const SWEEP = [1, 2, 4, 8, 16, 32, 64];

const OPTIONS = {
  workloads: {
    type: 'list',
    default: WORKLOADS.map(({ id }) => id),
    help: `of ${WORKLOADS.map(({ id }) => id).join(', ')}`,
  },
  servers: { type: 'list', default: DEFAULT_SERVERS, help: `of ${SERVERS.join(', ')}` },
  clients: { type: 'integer', default: 32, min: 1, max: 1_000, help: 'at saturation and at half of the capacity' },
  rounds: {
    type: 'integer',
    default: 3,
    min: 1,
    max: 50,
    help: 'how often each server is measured, one after the other',
  },
  seconds: { type: 'number', default: 2, min: 0.1, max: 60, help: 'of each measurement in a round' },
  sweep_seconds: {
    type: 'number',
    default: 0.7,
    min: 0,
    max: 60,
    help: `of each measurement with ${SWEEP.join(', ')} clients; 0: none`,
  },
  settle: {
    type: 'number',
    default: 8,
    min: 0,
    max: 120,
    help: 'seconds of each server under load, once, before the first round: compilers need ten thousands of frames',
  },
  warmup: { type: 'number', default: 0.3, min: 0, max: 30, help: 'seconds before each measurement' },
  threads: {
    type: 'integer',
    default: {
      text: 'one a core that they have',
      value: () => (availableParallelism() > 2 ? availableParallelism() - 1 : availableParallelism()),
    },
    min: 1,
    max: 64,
    help: 'for the graph, in every server: policy threads of Sinew, of one operator in the others',
  },
  apart: {
    type: 'boolean',
    // With one core a server of several threads would be measured as if it had none.
    default: { text: 'with three cores or more', value: () => availableParallelism() > 2 },
    help: 'the client on the last core, by `taskset`, and the servers on the others; else all share all cores',
  },
  python: {
    type: 'path',
    default: null,
    help: 'a Python that has bench/python/requirements.txt; without it a virtual environment is made',
  },
  cache: {
    type: 'path',
    default: { text: 'a folder for temporary files', value: () => join(tmpdir(), 'sinew-bench-cache') },
    help: 'where the graph of `wide` and the virtual environment are kept from run to run',
  },
  quick: {
    type: 'boolean',
    default: false,
    help: 'one short round of everything, to see that it runs: no figures to quote',
  },
  profile: { type: 'path', default: null, help: 'a folder for V8 CPU profiles of the gateway' },
} as const satisfies OptionTable;

interface PeersResult {
  readonly clients: number;
  readonly threads: number;
  readonly pinning: Pinning | null;
  readonly quick: boolean;
  readonly without_python: string | null;
  readonly workloads: readonly WorkloadRounds[];
}

async function measure(options: Values<typeof OPTIONS>): Promise<PeersResult> {
  const pinning = options.apart ? choosePinning() : null;
  const unknown = options.servers.filter((id) => !SERVERS.includes(id as ServerId));
  const strange = options.workloads.filter((id) => !WORKLOADS.some((workload) => workload.id === id));
  const [wrong] = [...unknown, ...strange];
  if (wrong !== undefined) throw new BenchError(`there is no ${wrong}`);
  const asked = options.servers as ServerId[];
  const python = asked.includes('python') ? await findPython(options.python, options.cache) : null;
  if (python?.ok === false) progress(`!!! WITHOUT THE PYTHON SERVER: ${python.reason}`);
  const { quick } = options;
  const { threads } = options;
  const plan: PeersPlan = {
    workloads: WORKLOADS.filter(({ id }) => options.workloads.includes(id)),
    servers: asked.filter((id) => id !== 'python' || python?.ok === true),
    rounds: quick ? 1 : options.rounds,
    ms: quick ? 300 : options.seconds * 1_000,
    sweepMs: quick ? 100 : options.sweep_seconds * 1_000,
    settleMs: quick ? 0 : options.settle * 1_000,
    warmupMs: quick ? 100 : options.warmup * 1_000,
    clients: options.clients,
    sweep: quick ? [1, 8] : SWEEP,
    threads,
    pinning,
    python: python?.ok === true ? python.path : null,
    profile: options.profile,
    cache: options.cache,
  };
  return {
    clients: options.clients,
    threads,
    pinning,
    quick,
    without_python: python?.ok === false ? python.reason : null,
    workloads: await measurePeers(plan),
  };
}

/** What a reader of the figures must know. */
function notes({ pinning, threads, without_python, workloads, quick }: PeersResult): string[] {
  const out = [
    pinning === null
      ? `Servers, one at a time, and the client share ${availableParallelism()} cores, as the system places them; graphs with ${threads} thread(s).`
      : `Servers on core ${pinning.server}, one at a time, the client on core ${pinning.client}; graphs with ${threads} thread(s).`,
    'The uWS server sends a canned chunk for any frame. Sinew twice: the same client and wire as the others, and its own protocol in lockstep. Both are one process, with gates, governor, journal and authentication; the key is in memory, and the shipper, a process of its own in production, does not run.',
  ];
  if (quick) out.push('A quick run: these figures say nothing.');
  if (without_python !== null) out.push(`!!! WITHOUT THE PYTHON SERVER: ${without_python}`);
  for (const { workload, servers } of workloads) {
    const full = servers.filter(
      ({ saturated }) => median(saturated.map(({ clientCpuMs, wallMs }) => clientCpuMs / wallMs)) > CLIENT_FULL,
    );
    const names = full.map(({ server }) => SERVER_LABELS[server]).join('; ');
    if (full.length > 0)
      out.push(
        `${workload.id}: the client was busy all the time, so that frames/s are at least what stands here: ${names}.`,
      );
    for (const { server, saturated, alone, halfMany, halfOne, sweep } of servers) {
      const all = [...saturated, ...alone, ...halfMany, ...halfOne, ...sweep.map(({ result }) => result)];
      const holds = all.reduce((sum, result) => sum + result.holds, 0);
      if (holds > 0)
        out.push(
          `${workload.id}: ${SERVER_LABELS[server]} answered ${holds} times with a hold. These count for nothing.`,
        );
    }
  }
  return out;
}

export const peers = defineCommand({
  summary: 'Sinew beside a bare uWS echo, a `ws` server and a Python policy server: the same frames, the same client.',
  options: OPTIONS,
  measure,
  findings: (result) => {
    const { figures, series = [] } = peersFindings(result.workloads, result.clients);
    // What a quick run measures neither meets a goal nor misses it.
    const told = result.quick ? figures.map(({ goal: _, ...figure }) => figure) : figures;
    return { figures: told, series, notes: notes(result) };
  },
  show: (result) => result.workloads.flatMap((of) => workloadLines(of, result.clients)),
});
