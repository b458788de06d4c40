import { setTimeout as sleep } from 'node:timers/promises';
import { BenchError, progress } from '../command.js';
import { type Machine, machine, machineLine } from '../machine.js';
import { round3 } from '../stats/median.js';
import { Fleet } from './fleet.js';
import type { MemoryReading } from './gateway-messages.js';
import type { LoadOptions } from './load-options.js';
import { openMessage, openTarget } from './target.js';

export interface IdleResult {
  readonly machine: Machine;
  readonly sessions: number;
  /** Of the gateway's process, a session, 1,000 bytes: resident, on the JavaScript heap, in buffers beside it. */
  readonly rss_kb: number;
  readonly heap_kb: number;
  readonly external_kb: number;
  readonly rss_before_mb: number;
  readonly rss_after_mb: number;
}

const WARM_UP_SESSIONS = 300;
const SETTLE_MS = 1_500;

/** Memory of a session that was opened and sends nothing: readings after a garbage collection, before and after opening. */
export async function measureIdle(options: LoadOptions): Promise<IdleResult> {
  const target = await openTarget({ ...options, robots: options.robots + WARM_UP_SESSIONS });
  const { gateway, stream } = target;
  if (gateway === null) throw new BenchError('--idle measures a gateway of its own: leave --url out');
  const fleetOf = (robots: number): Fleet =>
    new Fleet({ robots, hz: options.hz, obsHz: options.hz, rampMs: 0, open: openMessage(options), target: stream });
  const first = fleetOf(WARM_UP_SESSIONS);
  const fleet = fleetOf(options.robots);
  const read = async (): Promise<MemoryReading> => {
    await sleep(SETTLE_MS);
    return await gateway.memory();
  };
  try {
    // Compiled code and a grown young generation cost memory once, which is no session's.
    await first.open();
    const before = await read();
    progress(`opening ${options.robots} sessions`);
    await fleet.open();
    const after = await read();
    const each = (bytes: number): number => round3(bytes / options.robots / 1_000);
    return {
      machine: machine(),
      sessions: options.robots,
      rss_kb: each(after.rssBytes - before.rssBytes),
      heap_kb: each(after.heapBytes - before.heapBytes),
      external_kb: each(after.externalBytes - before.externalBytes),
      rss_before_mb: round3(before.rssBytes / 1e6),
      rss_after_mb: round3(after.rssBytes / 1e6),
    };
  } finally {
    first.close();
    fleet.close();
    await gateway.stop();
  }
}

export function idleLines(result: IdleResult): string[] {
  return [
    machineLine(result.machine),
    `${result.sessions} idle sessions: ${result.rss_kb} kB each (RSS ${result.rss_before_mb} → ${result.rss_after_mb} MB)`,
    `  JavaScript heap ${result.heap_kb} kB, buffers ${result.external_kb} kB each`,
  ];
}
