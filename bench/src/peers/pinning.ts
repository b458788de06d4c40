import { execFileSync } from 'node:child_process';

/** Which cores the servers have, one at a time, and which the client. */
export interface Pinning {
  readonly server: string;
  readonly client: string;
}

/** The client gets the last core and the servers the others; null without `taskset` or with one core. */
export function choosePinning(): Pinning | null {
  const cores = allowedCores();
  if (cores === null || cores.length < 2) return null;
  return { server: cores.slice(0, -1).join(','), client: String(cores.at(-1)) };
}

/** A command that runs on these cores only. */
export function pinned(cores: string | null, command: string, args: readonly string[]): [string, string[]] {
  return cores === null ? [command, [...args]] : ['taskset', ['--cpu-list', cores, command, ...args]];
}

function allowedCores(): number[] | null {
  let answer: string;
  try {
    answer = execFileSync('taskset', ['--cpu-list', '--pid', String(process.pid)], { encoding: 'utf8' });
  } catch {
    return null;
  }
  // "pid 7's current affinity list: 0-3,6"
  const list = answer.slice(answer.lastIndexOf(':') + 1).trim();
  return list.split(',').flatMap((range) => {
    const [first = 0, last = first] = range.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  });
}
