import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, release } from 'node:os';

export interface Machine {
  readonly date: string;
  readonly cpu: string;
  readonly cores: number;
  readonly node: string;
  readonly system: string;
  /** Of all processor time over the run: taken away by the hypervisor, and used by anybody. Null where /proc does not tell. */
  readonly steal_share?: number | null | undefined;
  readonly busy_share?: number | null | undefined;
}

/** Goes with every figure: a number without its machine says nothing. */
export function machine(): Machine {
  return {
    date: new Date().toISOString().slice(0, 10),
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    node: process.version,
    system: `${process.platform} ${release()}`,
  };
}

export function machineLine({ date, cpu, cores, node, system }: Machine): string {
  return `${date}, ${cpu}, ${cores} cores, Node ${node}, ${system}`;
}

/** Processor time of all cores since the machine started, in clock ticks. */
export interface ProcessorTime {
  readonly total: number;
  readonly idle: number;
  readonly steal: number;
}

/** The line `cpu` of /proc/stat: user, nice, system, idle, iowait, irq, softirq, steal; guests are in user already. */
export function processorTime(stat: string): ProcessorTime | null {
  const line = /^cpu +(.*)$/m.exec(stat)?.[1];
  if (line === undefined) return null;
  const ticks = line.split(' ').slice(0, 8).map(Number);
  const [, , , idle = 0, iowait = 0, , , steal = 0] = ticks;
  return { total: ticks.reduce((sum, value) => sum + value, 0), idle: idle + iowait, steal };
}

function readProcessorTime(): ProcessorTime | null {
  try {
    return processorTime(readFileSync('/proc/stat', 'utf8'));
  } catch {
    // Not Linux: the shares are not told.
    return null;
  }
}

/** Watches the machine over a run: call the returned function at its end. */
export function watchMachine(): () => { readonly machine: Machine; readonly loadAverage: readonly number[] } {
  const before = readProcessorTime();
  return () => {
    const after = readProcessorTime();
    const total = before === null || after === null ? 0 : after.total - before.total;
    const share = (ticks: number): number => Number((ticks / total).toFixed(4));
    const told = before !== null && after !== null && total > 0;
    return {
      machine: {
        ...machine(),
        steal_share: told ? share(after.steal - before.steal) : null,
        busy_share: told ? share(total - (after.idle - before.idle) - (after.steal - before.steal)) : null,
      },
      loadAverage: loadavg().map((value) => Number(value.toFixed(2))),
    };
  };
}
