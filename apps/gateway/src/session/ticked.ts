import type { Observation } from '@sinew/protocol';
import type { Session } from './session.js';

/**
 * The tick an observation stands before. `applied_seq` says it exactly; otherwise its age does, rounded so that the age
 * is never overestimated: skipping one tick too many costs success, one too few only time (control.md, the delay table).
 */
export function tickOfCapture(session: Session, message: Observation, capturedMs: number): number {
  if (message.applied_seq !== undefined) return message.applied_seq + 1;
  const startMs = session.startMs ?? capturedMs;
  const tick = Math.ceil((capturedMs - startMs) / session.periodMs);
  return Math.min(Math.max(tick, 0), session.nextTick);
}

/**
 * L2: a new inference starts once the execution horizon is reached, with the observation that comes then: it is fresher
 * than one that waits already. Only when the timeline would run dry first does the waiting one have to do.
 */
export function runsDrySoon(session: Session): boolean {
  return session.remaining <= 1;
}
