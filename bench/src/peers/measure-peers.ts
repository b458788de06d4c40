import { setTimeout as sleep } from 'node:timers/promises';
import { bundleFolder } from '@sinew/gateway';
import { loadBundle, nullBundle } from '@sinew/policy';
import { progress } from '../command.js';
import { wideBundle } from '../wide/wide-bundle.js';
import { collectAnswers, requireSameAnswers } from './answers.js';
import type { ClientResult } from './client-messages.js';
import { ClientProcess } from './client-process.js';
import type { Pinning } from './pinning.js';
import { type Peer, type ServerId, startPeers, stopPeers } from './servers.js';
import type { Workload } from './workloads.js';

const DRAIN_MS = 200;

export interface PeersPlan {
  readonly workloads: readonly Workload[];
  readonly servers: readonly ServerId[];
  readonly rounds: number;
  /** Of each measurement in a round, and of each in the sweep; 0: no sweep. */
  readonly ms: number;
  readonly sweepMs: number;
  readonly warmupMs: number;
  /** Of each server, once, before its first round: until its compilers have done what they will do. */
  readonly settleMs: number;
  readonly clients: number;
  readonly sweep: readonly number[];
  readonly threads: number;
  readonly pinning: Pinning | null;
  readonly python: string | null;
  readonly profile: string | null;
  /** Where the graph of `wide` is kept. */
  readonly cache: string;
}

/** One server under one workload, round by round. */
export interface ServerRounds {
  readonly server: ServerId;
  /** At saturation: `clients` clients that ask again when they are answered. */
  readonly saturated: readonly ClientResult[];
  /** The same with one client. */
  readonly alone: readonly ClientResult[];
  /** At half of what it does at saturation, with that many clients; and with one, at half of what it does with one. */
  readonly halfMany: readonly ClientResult[];
  readonly halfOne: readonly ClientResult[];
  /** Clients → what came of it. */
  readonly sweep: readonly { readonly clients: number; readonly result: ClientResult }[];
}

export interface WorkloadRounds {
  readonly workload: Workload;
  readonly servers: readonly ServerRounds[];
  readonly versions: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

export async function measurePeers(plan: PeersPlan): Promise<WorkloadRounds[]> {
  const client = await ClientProcess.start(plan.pinning?.client ?? null);
  try {
    const out: WorkloadRounds[] = [];
    for (const workload of plan.workloads) out.push(await measureWorkload(plan, workload, client));
    return out;
  } finally {
    client.stop();
  }
}

async function measureWorkload(plan: PeersPlan, workload: Workload, client: ClientProcess): Promise<WorkloadRounds> {
  const peers = await openPeers(plan, workload);
  try {
    requireSameAnswers(await collectAnswers(client, workload, peers));
    const bench = new WorkloadBench(plan, workload, client, peers);
    const servers = await bench.run();
    const versions = Object.fromEntries(peers.map(({ id, process }) => [id, process.line.versions]));
    return { workload, servers, versions };
  } finally {
    await stopPeers(peers);
  }
}

/** The servers of one workload, all listening and all stopped until it is their turn. */
export async function openPeers(plan: PeersPlan, { id, policy }: Workload): Promise<Peer[]> {
  progress(`${id}: starting the servers`);
  const folder = policy === 'wide' ? await wideBundle(plan.cache) : bundleFolder(policy);
  const bundle = policy === 'null' ? nullBundle() : await loadBundle(folder);
  const peers = await startPeers(plan.servers, {
    bundle,
    policy: policy === 'null' ? policy : folder,
    cores: plan.pinning?.server ?? null,
    threads: plan.threads,
    python: plan.python,
    profile: plan.profile,
  });
  for (const { process } of peers) process.pause();
  return peers;
}

/** What one client run is made of, beside whom it asks and how often. */
export async function ask(
  plan: PeersPlan,
  workload: Workload,
  client: ClientProcess,
  peer: Peer,
  run: { clients: number; ms: number; rate: number | null },
): Promise<ClientResult> {
  const { key, path, process, wire } = peer;
  process.resume();
  try {
    return await client.run({
      ...run,
      port: process.line.port,
      path,
      key,
      wire,
      frame: workload.frame,
      warmupMs: plan.warmupMs,
      spin: plan.pinning !== null,
      serverPid: process.pid,
    });
  } finally {
    // What was under way ends first: a batch over which its process stood still would count as slow, and Sinew measures its capacity.
    await sleep(DRAIN_MS);
    process.pause();
  }
}

type Growing = { -readonly [K in keyof Omit<ServerRounds, 'server'>]: ServerRounds[K][number][] };

class WorkloadBench {
  readonly #plan: PeersPlan;
  readonly #workload: Workload;
  readonly #client: ClientProcess;
  readonly #peers: readonly Peer[];
  readonly #rounds: ReadonlyMap<ServerId, Growing>;

  constructor(plan: PeersPlan, workload: Workload, client: ClientProcess, peers: readonly Peer[]) {
    this.#plan = plan;
    this.#workload = workload;
    this.#client = client;
    this.#peers = peers;
    this.#rounds = new Map(
      peers.map(({ id }) => [id, { saturated: [], alone: [], halfMany: [], halfOne: [], sweep: [] }]),
    );
  }

  /** One server after the other in every round, so that a noisy neighbour hits all alike. */
  async run(): Promise<ServerRounds[]> {
    const { clients, ms, rounds, settleMs, sweep, sweepMs } = this.#plan;
    for (const peer of settleMs === 0 ? [] : this.#peers) {
      progress(`${this.#workload.id}: ${peer.id} settles`);
      await this.#ask(peer, clients, settleMs, null);
    }
    for (let round = 1; round <= rounds; round++) {
      progress(`${this.#workload.id}: round ${round} of ${rounds}`);
      for (const peer of this.#peers) {
        const of = this.#of(peer);
        const many = await this.#ask(peer, clients, ms, null);
        of.saturated.push(many);
        const one = await this.#ask(peer, 1, ms / 2, null);
        of.alone.push(one);
        of.halfMany.push(await this.#ask(peer, clients, ms, perSecond(many) / 2));
        of.halfOne.push(await this.#ask(peer, 1, ms, perSecond(one) / 2));
      }
    }
    for (const count of sweepMs === 0 ? [] : sweep) {
      progress(`${this.#workload.id}: ${count} client${count === 1 ? '' : 's'}`);
      for (const peer of this.#peers) {
        const result = await this.#ask(peer, count, sweepMs, null);
        this.#of(peer).sweep.push({ clients: count, result });
      }
    }
    return this.#peers.map((peer) => ({ server: peer.id, ...this.#of(peer) }));
  }

  #ask(peer: Peer, clients: number, ms: number, rate: number | null): Promise<ClientResult> {
    return ask(this.#plan, this.#workload, this.#client, peer, { clients, ms, rate });
  }

  #of({ id }: Peer): Growing {
    const rounds = this.#rounds.get(id);
    if (rounds === undefined) throw new Error(`no rounds of ${id}`);
    return rounds;
  }
}

export const perSecond = ({ answers, wallMs }: ClientResult): number => (1_000 * answers) / wallMs;
