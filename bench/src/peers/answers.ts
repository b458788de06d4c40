import { BenchError } from '../command.js';
import type { ClientProcess } from './client-process.js';
import { EXECUTED } from './frames.js';
import { type Peer, SERVER_LABELS, type ServerId } from './servers.js';
import type { Workload } from './workloads.js';

export interface Answer {
  readonly server: ServerId;
  /** [H, D] */
  readonly shape: readonly number[];
  readonly values: readonly number[];
}

/** Two builds of one runtime; a governed chunk that needs no correction is the policy's own. */
const TOLERANCE = 1e-5;

/** What every server that has a policy answers to one and the same observation. */
export async function collectAnswers(
  client: ClientProcess,
  { frame }: Workload,
  peers: readonly Peer[],
): Promise<Answer[]> {
  const answers: Answer[] = [];
  for (const { id, key, path, process, wire } of peers) {
    if (id === 'echo' || id === 'true_echo') continue;
    process.resume();
    const { port } = process.line;
    const run = { port, path, key, wire, frame, clients: 1, warmupMs: 0, ms: 0, rate: null, spin: false };
    answers.push({ server: id, ...(await client.ask({ ...run, serverPid: process.pid })) });
    process.pause();
  }
  return answers;
}

/**
 * Servers that answer something else would be compared for nothing. Only the actions that are executed count: after them an openpi
 * client's chunk comes to rest at Sinew's.
 */
export function requireSameAnswers(answers: readonly Answer[]): void {
  const [first, ...others] = answers;
  if (first === undefined) return;
  const [, dim = 0] = first.shape;
  for (const other of others) {
    const differs = first.values
      .slice(0, EXECUTED * dim)
      .some((value, i) => !(Math.abs(value - (other.values[i] ?? Number.NaN)) <= TOLERANCE));
    if (differs || other.shape.join() !== first.shape.join())
      throw new BenchError(`${SERVER_LABELS[other.server]} answers something else than ${SERVER_LABELS[first.server]}`);
  }
}
