import type { GatewayReport } from './gateway-probe.js';

// What the bench and its gateway process say to each other over the IPC channel.

export interface GatewayOptions {
  readonly policy: string;
  readonly policyThreads: number;
  readonly maxSessions: number;
  readonly key: string;
  /** Sockets and a pacer alone, as a ceiling. */
  readonly bare: boolean;
  /** How long a session waits for a socket that was cut. */
  readonly resumeWindowMs?: number;
  /** The journal's folder. */
  readonly dir: string;
  /** Where keys are looked up and feedback is stored; without it the key is in memory. */
  readonly databaseUrl?: string;
}

export type ToGateway =
  | { readonly kind: 'start'; readonly options: GatewayOptions }
  /** From here on it is measured. */
  | { readonly kind: 'mark' }
  | { readonly kind: 'report' }
  | { readonly kind: 'memory' }
  | { readonly kind: 'stop' };

export interface MemoryReading {
  readonly rssBytes: number;
  readonly heapBytes: number;
  /** Buffers outside of the JavaScript heap. */
  readonly externalBytes: number;
}

export type FromGateway =
  | { readonly kind: 'ready'; readonly port: number }
  | { readonly kind: 'failed'; readonly reason: string }
  | { readonly kind: 'marked' }
  | { readonly kind: 'report'; readonly report: GatewayReport }
  | { readonly kind: 'memory'; readonly memory: MemoryReading };
