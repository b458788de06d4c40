import { setTimeout as sleep } from 'node:timers/promises';
import { Latencies } from '../stats/latencies.js';
import type { ClientResult, ClientRun } from './client-messages.js';
import { PeerSocket } from './peer-socket.js';
import { processCpuMs } from './proc-cpu.js';

const CONCURRENT_OPENS = 16;
/** Without `spin`: a timer's own precision. */
const TIMER_MS = 1;
const SEED = 7;

/** One measurement: opens the clients, lets them ask, counts what is answered within the window, and closes them. */
export async function drive(run: ClientRun): Promise<ClientResult> {
  const record = new Record(run);
  try {
    await record.open();
    record.begin();
    await record.for(run.warmupMs);
    const before = record.mark();
    await record.for(run.ms);
    return record.result(before);
  } finally {
    record.close();
  }
}

interface Mark {
  readonly atMs: number;
  readonly serverCpuMs: number | null;
  readonly cpu: NodeJS.CpuUsage;
}

class Record {
  readonly #run: ClientRun;
  readonly #peers: PeerSocket[] = [];
  readonly #latency = new Latencies();
  readonly #lateness = new Latencies();
  /** Requests of each client that were due while its last one was under way: their intended times, ms. */
  readonly #owed = new Map<PeerSocket, number[]>();
  #answers = 0;
  #holds = 0;
  #measuring = false;
  #running = false;
  #fault: string | null = null;
  #stopWaiting: ((error: Error) => void) | null = null;

  constructor(run: ClientRun) {
    this.#run = run;
  }

  async open(): Promise<void> {
    let left = this.#run.clients;
    const one = async (): Promise<void> => {
      while (left-- > 0) {
        const peer = await PeerSocket.open(
          this.#run,
          (answered) => this.#answered(answered),
          (reason) => this.#fail(reason),
        );
        this.#peers.push(peer);
        this.#owed.set(peer, []);
      }
    };
    await Promise.all(Array.from({ length: CONCURRENT_OPENS }, one));
    this.#check();
  }

  begin(): void {
    this.#running = true;
    if (this.#run.rate === null) for (const peer of this.#peers) peer.ask(performance.now());
    else this.#atRate(this.#run.rate);
  }

  async for(ms: number): Promise<void> {
    const stop = new AbortController();
    this.#stopWaiting = (error) => stop.abort(error);
    await sleep(ms, undefined, { signal: stop.signal }).catch(() => {});
    this.#check();
  }

  mark(): Mark {
    this.#measuring = true;
    return { atMs: performance.now(), serverCpuMs: processCpuMs(this.#run.serverPid), cpu: process.cpuUsage() };
  }

  result(begin: Mark): ClientResult {
    this.#measuring = false;
    const serverCpuMs = processCpuMs(this.#run.serverPid);
    const { user, system } = process.cpuUsage(begin.cpu);
    return {
      answers: this.#answers,
      holds: this.#holds,
      wallMs: performance.now() - begin.atMs,
      latency: this.#latency.summary(),
      lateness: this.#lateness.summary(),
      serverCpuMs: serverCpuMs === null || begin.serverCpuMs === null ? null : serverCpuMs - begin.serverCpuMs,
      clientCpuMs: (user + system) / 1_000,
      bytesAFrame: this.#peers[0]?.bytesAFrame ?? 0,
    };
  }

  close(): void {
    this.#running = false;
    for (const peer of this.#peers) peer.close();
  }

  #answered(peer: PeerSocket): void {
    const now = performance.now();
    if (this.#measuring && peer.held) this.#holds++;
    else if (this.#measuring) {
      this.#answers++;
      this.#latency.record(now - peer.sinceMs);
    }
    if (!this.#running) return;
    if (this.#run.rate === null) return peer.ask(now);
    const owed = this.#owed.get(peer)?.shift();
    if (owed !== undefined) peer.ask(owed);
  }

  /** Every client asks at the same period; each begins it where a seeded throw of dice says. */
  #atRate(perSecond: number): void {
    const periodMs = (1_000 * this.#peers.length) / perSecond;
    const random = uniform(SEED);
    const turns = this.#peers
      .map((peer) => ({ peer, phaseMs: random() * periodMs }))
      .sort((a, b) => a.phaseMs - b.phaseMs);
    const beginMs = performance.now();
    let next = 0;
    const dueMs = (): number =>
      beginMs + Math.floor(next / turns.length) * periodMs + (turns[next % turns.length]?.phaseMs ?? 0);
    const wake = (): void => {
      if (!this.#running) return;
      const now = performance.now();
      for (let due = dueMs(); due <= now; due = dueMs()) {
        const peer = turns[next++ % turns.length]?.peer;
        if (peer === undefined) return;
        if (peer.busy) this.#owed.get(peer)?.push(due);
        else {
          // From when it was due: on shared cores it may be the server that kept this process from waking.
          if (this.#measuring) this.#lateness.record(performance.now() - due);
          peer.ask(due);
        }
      }
      const waitMs = dueMs() - performance.now();
      if (this.#run.spin && waitMs < 3) setImmediate(wake);
      else setTimeout(wake, Math.max(0, waitMs - (this.#run.spin ? 2 : TIMER_MS)));
    };
    wake();
  }

  #fail(reason: string): void {
    if (!this.#running && this.#fault === null && this.#peers.length === this.#run.clients) return;
    this.#fault ??= reason;
    this.#stopWaiting?.(new Error(reason));
  }

  #check(): void {
    if (this.#fault !== null) throw new Error(this.#fault);
  }
}

/** A linear congruential generator: phases need no better one. */
function uniform(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
