/**
 * L6: milliseconds until the session's last usable entry has been emitted, less the expected latency of an inference: how long
 * the scheduler may still wait before this session starves. `nextDueMs`: when tick `nextTick` is due; `remaining` from there.
 */
export function slackMs(
  nowMs: number,
  nextDueMs: number,
  remaining: number,
  periodMs: number,
  latencyMs: number,
): number {
  return nextDueMs + remaining * periodMs - nowMs - latencyMs;
}
