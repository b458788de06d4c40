import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

export interface Allocation {
  readonly name: string;
  readonly ticks: number;
  /** Heap used after the ticks, less before, over the ticks: nothing was collected in between. */
  readonly allocated_bytes_per_tick: number;
  /** Heap used after the ticks and a full collection, less before: what they left behind. */
  readonly growth_bytes: number;
  /** Garbage collections while the ticks ran; unless 0, more was allocated than is told. */
  readonly collections: number;
  readonly cpu_us_per_tick: number;
}

const SEMI_SPACE_MB = 512;

/** Runs a scenario of steady-scenarios.ts in a process of its own, whose young generation is too large to be collected meanwhile. */
export async function measureAllocation(scenario: string, ticks: number): Promise<Allocation> {
  const flags = ['--expose-gc', `--min-semi-space-size=${SEMI_SPACE_MB}`, `--max-semi-space-size=${SEMI_SPACE_MB}`];
  const entry = fileURLToPath(new URL('./allocation-main.js', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, entry, scenario, String(ticks)]);
  return JSON.parse(stdout) as Allocation;
}
