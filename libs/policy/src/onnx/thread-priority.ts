import { getPriority, platform, setPriority } from 'node:os';

/** A third of the weight of who is not nicer by so much. */
const NICER = 5;
const NICEST = 19;

/**
 * Lets the threads that serve robots have the processor before the calling one: an inference that takes a little longer delays a
 * chunk, a tick that comes late is missed. Linux alone knows the priority of one thread; elsewhere nothing is done.
 */
export function yieldToRobots(): void {
  if (platform() !== 'linux') return;
  try {
    setPriority(0, Math.min(NICEST, getPriority(0) + NICER));
  } catch {
    // A sandbox may forbid it: a policy runs all the same.
  }
}
