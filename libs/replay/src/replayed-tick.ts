import { flagNames, type TickResult } from '@sinew/control';
import type { HoldReason } from '@sinew/protocol';
import { firstDifference, reasonOf } from './columns.js';

/** What became of one tick: every stage a step [D] of the session's action space. */
export interface TickStages {
  /** Null: an action. */
  readonly hold: HoldReason | null;
  /** What timeline and smoothing asked for. */
  readonly smoothed: Float64Array;
  readonly sent: Float64Array;
  readonly flags: number;
  readonly score: number;
  /** Newest contributing inference; 0 where none contributed. */
  readonly logId: number;
}

export interface ReplayedTick extends TickStages {
  readonly episode: number;
  readonly n: number;
  /** The policy's own step in its own units; null in a hold without target. */
  readonly proposed: Float64Array | null;
  /** The step to the blended target, before smoothing; null like `proposed`. */
  readonly blended: Float64Array | null;
  readonly recorded: TickStages;
  /** The first stage that differs from the record, or null: bit for bit the same. */
  readonly difference: Difference | null;
}

export interface Difference {
  readonly n: number;
  readonly episode: number;
  readonly stage: 'sent' | 'smoothed' | 'hold' | 'flags' | 'score' | 'log_id' | 'tick';
  /** Of a vector; −1 for a single value. */
  readonly index: number;
  readonly recorded: number | string;
  readonly replayed: number | string;
}

/** A copy of the loop's reused result. */
export function stagesOf(result: TickResult): TickStages {
  return {
    hold: result.kind === 'action' ? null : result.reason,
    smoothed: result.proposed.slice(),
    sent: result.values.slice(),
    flags: result.flags,
    score: result.score,
    logId: Math.max(0, result.ref),
  };
}

interface TickColumns {
  readonly log_ids: readonly number[];
  readonly flags: readonly number[];
  readonly score: readonly number[];
  readonly kinds: readonly number[];
}

/** Row `row` of a record, given its binary columns as numbers. */
export function recordedStages(
  { log_ids, flags, score, kinds }: TickColumns,
  proposed: Float64Array,
  sent: Float64Array,
  dim: number,
  row: number,
): TickStages {
  return {
    hold: reasonOf(kinds[row] ?? 0),
    smoothed: proposed.subarray(row * dim, (row + 1) * dim),
    sent: sent.subarray(row * dim, (row + 1) * dim),
    flags: flags[row] ?? 0,
    score: score[row] ?? 0,
    logId: log_ids[row] ?? 0,
  };
}

/** What was sent first, since it is what moves a robot; then what it was made of. */
export function difference(episode: number, n: number, recorded: TickStages, replayed: TickStages): Difference | null {
  for (const [stage, a, b] of [
    ['sent', recorded.sent, replayed.sent],
    ['smoothed', recorded.smoothed, replayed.smoothed],
  ] as const) {
    const index = firstDifference(a, b);
    if (index >= 0) {
      return { n, episode, stage, index, recorded: a[index] ?? 'missing', replayed: b[index] ?? 'missing' };
    }
  }
  for (const [stage, a, b] of [
    ['hold', recorded.hold ?? 'action', replayed.hold ?? 'action'],
    ['flags', flagNames(recorded.flags).join(' ') || 'none', flagNames(replayed.flags).join(' ') || 'none'],
    ['flags', recorded.flags, replayed.flags],
    ['score', recorded.score, replayed.score],
    ['log_id', recorded.logId, replayed.logId],
  ] as const) {
    if (!Object.is(a, b)) return { n, episode, stage, index: -1, recorded: a, replayed: b };
  }
  return null;
}
