import { readFileSync } from 'node:fs';

/** Linux counts a process's CPU time in these, whatever the kernel's own clock is (`man 5 proc`, USER_HZ). */
const TICKS_PER_SECOND = 100;

/** CPU time of a process since it began, user and system, all its threads and those that have ended; ms. Null where /proc has it not. */
export function processCpuMs(pid: number): number | null {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch {
    return null;
  }
  // The second field is the command's name in brackets, which may hold anything.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [user, system] = [Number(fields[11]), Number(fields[12])];
  return ((user + system) * 1_000) / TICKS_PER_SECOND;
}
