import { availableParallelism, cpus, release } from 'node:os';

export interface Machine {
  readonly date: string;
  readonly cpu: string;
  readonly cores: number;
  readonly node: string;
  readonly system: string;
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
