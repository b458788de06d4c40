// A process by itself (see allocation.ts): its heap holds nothing but one scenario.
import { PerformanceObserver } from 'node:perf_hooks';
import type { Allocation } from './allocation.js';
import { steadyScenarios } from './steady-scenarios.js';

/** So that everything is compiled, and every buffer there, before it counts. */
const WARM_UP = 1_000_000;

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function measure(name: string, ticks: number): Promise<Allocation> {
  const operation = steadyScenarios()[name]?.();
  const collect = globalThis.gc;
  if (operation === undefined || collect === undefined) throw new Error(`no scenario "${name}", or no --expose-gc`);
  const collected: number[] = [];
  new PerformanceObserver((list) => {
    for (const { startTime } of list.getEntries()) collected.push(startTime);
  }).observe({ entryTypes: ['gc'] });
  await operation(WARM_UP);
  collect();
  await operation(WARM_UP);
  collect();
  const before = process.memoryUsage();
  const [begun, cpu] = [performance.now(), process.cpuUsage()];
  await operation(ticks);
  const ended = performance.now();
  const { system, user } = process.cpuUsage(cpu);
  const after = process.memoryUsage();
  collect();
  const kept = process.memoryUsage();
  await turn();
  await turn();
  const grown = after.heapUsed + after.external - before.heapUsed - before.external;
  return {
    name,
    ticks,
    allocated_bytes_per_tick: grown / ticks,
    growth_bytes: kept.heapUsed + kept.external - before.heapUsed - before.external,
    collections: collected.filter((at) => at > begun && at < ended).length,
    cpu_us_per_tick: (user + system) / ticks,
  };
}

process.stdout.write(JSON.stringify(await measure(process.argv[2] ?? '', Number(process.argv[3]))));
