import type { Percentiles } from '../stats/latencies.js';

// What the bench and its client process say to each other over the IPC channel.

/** `openpi`: an observation is answered by its chunk, nothing else. `native`: our own protocol in lockstep. */
export type Wire = 'openpi' | 'native';

export interface FrameSpec {
  /** [height, width] of the raw picture. */
  readonly image: readonly [number, number];
  readonly instruction: string;
}

export interface ClientRun {
  readonly port: number;
  readonly path: string;
  readonly key: string;
  readonly wire: Wire;
  readonly frame: FrameSpec;
  readonly clients: number;
  readonly warmupMs: number;
  readonly ms: number;
  /** Requests a second of all clients together, at times fixed before; null: each sends the next when it has its answer. */
  readonly rate: number | null;
  /** Wait for due times without sleeping: where the client has a core to itself. */
  readonly spin: boolean;
  /** Whose CPU time is read. */
  readonly serverPid: number;
}

export interface ClientResult {
  readonly answers: number;
  /** Answers without an inference, which a server gives that would rather hold: they count for nothing else. */
  readonly holds: number;
  readonly wallMs: number;
  /** From the send to the answer; at a fixed rate from when it was due, where the answer before was not there yet. */
  readonly latency: Percentiles | null;
  /** Fixed rate only: how late the requests were sent, where the answer before was there. */
  readonly lateness: Percentiles | null;
  /** Of the server's process; null where /proc does not tell. */
  readonly serverCpuMs: number | null;
  readonly clientCpuMs: number;
  readonly bytesAFrame: number;
}

export type ToClient =
  | { readonly kind: 'run'; readonly run: ClientRun }
  /** One observation, and what came back for it. */
  | { readonly kind: 'ask'; readonly run: ClientRun };

export type FromClient =
  | { readonly kind: 'ready' }
  | { readonly kind: 'result'; readonly result: ClientResult }
  | { readonly kind: 'actions'; readonly shape: readonly number[]; readonly values: readonly number[] }
  | { readonly kind: 'failed'; readonly reason: string };
