import type { WarmUp } from '../backend/policy-backend.js';

/** What a batch costs around the graph (messages, filling, handing out), ms: a larger one pays it less often. */
const AROUND_MS = 0.25;
/** Of the most inferences a second that any size gives. */
const NEARLY = 0.93;

/**
 * The smallest measured batch size that does nearly as many inferences a second as the best. What more there is in a batch only waits
 * for one another: smaller ones end sooner, and who is urgent gets into the next one sooner.
 * @param measured milliseconds by size, ascending; where nothing is, `most`.
 * @returns 1 … `most`.
 */
export function efficientBatch(measured: readonly WarmUp[], most: number): number {
  const perMs = measured.map(({ batch, inferMs }) => batch / (inferMs + AROUND_MS));
  const enough = NEARLY * Math.max(...perMs);
  const smallest = measured.find((_, i) => (perMs[i] ?? 0) >= enough);
  return Math.min(smallest?.batch ?? most, most);
}
