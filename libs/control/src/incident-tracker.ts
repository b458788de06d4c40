import type { TickResult } from './control-io.js';
import { FLAG } from './flags.js';
import {
  SEVERITIES,
  type Severity,
  VIOLATION_FLAGS,
  VIOLATION_TYPES,
  Violation,
  type ViolationType,
  worstViolation,
} from './severity.js';

/** R2: an incident is over when nothing happened for so long. */
export const INCIDENT_QUIET_MS = 5_000;

/** What was done about the worst moment of an incident. */
export type ActionTaken = 'none' | 'clamped' | 'held' | 'refused';

/** An incident as it stands. Plain data, copied out of the tracker. */
export interface Incident {
  readonly openedMs: number;
  /** The last violation. */
  readonly lastMs: number;
  readonly severity: Severity;
  /** Of the worst moment. */
  readonly type: ViolationType;
  /** All that were seen, in the order of VIOLATION_TYPES. */
  readonly types: readonly ViolationType[];
  /** Ticks with a violation, and chunks or instructions refused whole. */
  readonly ticks: number;
  readonly refusals: number;
  readonly worst: {
    /** The tick; the first one that a refused chunk was for. */
    readonly tick: number;
    /** Relative to the limit, 0 to 1; null where there is no such measure (drift, not finite …). */
    readonly excess: number | null;
    readonly score: number;
    /** The newest chunk that contributed; null where none did. */
    readonly ref: number | null;
    /** Before and after the governor. Of a refused chunk: its entry, and what was sent instead; null where there was none. */
    readonly proposed: readonly number[] | null;
    readonly sent: readonly number[] | null;
    readonly action: ActionTaken;
  };
}

export type IncidentNews = 'opened' | 'worse' | null;

/**
 * One session's incidents (R2): at most one is open. A caller asks `watches(flags)` at every tick, which costs one comparison and
 * no memory (R3), and calls `tick` only where it says so; `settle` now and then, to close what has been quiet.
 */
export class IncidentTracker {
  readonly #dim: number;
  readonly #proposed: Float64Array;
  readonly #sent: Float64Array;
  readonly #found = new Violation();
  readonly #worst = new Violation();
  #open = false;
  /** FLAG.rejected while a refused chunk waits for the tick that was sent instead of it. */
  #awaiting = 0;
  #proposedKnown = false;
  #sentKnown = false;
  #openedMs = 0;
  #lastMs = 0;
  #types = 0;
  #ticks = 0;
  #refusals = 0;
  #tick = 0;
  #score = 1;
  #ref = -1;
  #action: ActionTaken = 'none';

  constructor(dim: number) {
    this.#dim = dim;
    this.#proposed = new Float64Array(dim);
    this.#sent = new Float64Array(dim);
  }

  /** Whether a tick with these flags must be told. */
  watches(flags: number): boolean {
    return ((flags | this.#awaiting) & VIOLATION_FLAGS) !== 0;
  }

  get open(): boolean {
    return this.#open;
  }

  /** A tick as it was sent. `worse`: the open incident's severity has risen. */
  tick(nowMs: number, n: number, result: TickResult): IncidentNews {
    if (this.#awaiting !== 0) {
      this.#awaiting = 0;
      this.#sent.set(result.values);
      this.#sentKnown = true;
    }
    if (!worstViolation(result.flags, result.score, this.#found)) return null;
    const news = this.#note(nowMs);
    this.#ticks++;
    if (news === 'same') return null;
    this.#tick = n;
    this.#score = result.score;
    this.#ref = result.ref;
    this.#proposed.set(result.proposed);
    this.#proposedKnown = true;
    this.#sent.set(result.values);
    this.#sentKnown = true;
    this.#action = result.kind === 'hold' ? 'held' : result.clamped ? 'clamped' : 'none';
    return news === 'worst' ? null : news;
  }

  /**
   * A chunk that was refused whole. `actions` [H, D] in the policy's units, of which row `row` was for `tick`. What is sent
   * instead is the next tick's.
   */
  refused(
    nowMs: number,
    tick: number,
    chunk: { flags: number; score: number; ref: number; actions: Float32Array; row: number },
  ): IncidentNews {
    if (!worstViolation(chunk.flags | FLAG.rejected, chunk.score, this.#found)) return null;
    const news = this.#note(nowMs);
    this.#refusals++;
    if (news === 'same') return null;
    this.#tick = tick;
    this.#score = chunk.score;
    this.#ref = chunk.ref;
    for (let i = 0; i < this.#dim; i++) this.#proposed[i] = chunk.actions[chunk.row * this.#dim + i] ?? Number.NaN;
    this.#proposedKnown = true;
    this.#action = 'refused';
    this.#sentKnown = false;
    this.#awaiting = FLAG.rejected;
    return news === 'worst' ? null : news;
  }

  /** An instruction that was refused by a rule of this severity; `tick`: the first one not sent yet. */
  instructionRefused(nowMs: number, tick: number, severity: Severity): IncidentNews {
    const found = this.#found;
    found.type = 'instruction';
    found.severity = SEVERITIES.indexOf(severity);
    found.excess = Number.NaN;
    const news = this.#note(nowMs);
    this.#refusals++;
    if (news === 'same') return null;
    this.#tick = tick;
    this.#score = 1;
    this.#ref = -1;
    this.#proposedKnown = false;
    this.#sentKnown = false;
    this.#awaiting = 0;
    this.#action = 'refused';
    return news === 'worst' ? null : news;
  }

  /** The incident that has been quiet for long enough, now closed; null where there is none. */
  settle(nowMs: number): Incident | null {
    return this.#open && nowMs - this.#lastMs >= INCIDENT_QUIET_MS ? this.end() : null;
  }

  /** Closes whatever is open: the session ends. */
  end(): Incident | null {
    const incident = this.current();
    this.#open = false;
    this.#awaiting = 0;
    return incident;
  }

  /** The open incident as it stands, or null. */
  current(): Incident | null {
    if (!this.#open) return null;
    return {
      openedMs: this.#openedMs,
      lastMs: this.#lastMs,
      severity: SEVERITIES[this.#worst.severity] ?? 'low',
      type: this.#worst.type,
      types: VIOLATION_TYPES.filter((_, i) => (this.#types & (1 << i)) !== 0),
      ticks: this.#ticks,
      refusals: this.#refusals,
      worst: {
        tick: this.#tick,
        excess: Number.isNaN(this.#worst.excess) ? null : this.#worst.excess,
        score: this.#score,
        ref: this.#ref < 0 ? null : this.#ref,
        proposed: this.#proposedKnown ? Array.from(this.#proposed) : null,
        sent: this.#sentKnown ? Array.from(this.#sent) : null,
        action: this.#action,
      },
    };
  }

  /** Counts `#found` in. `worst`: no more severe than before, but the worst moment so far all the same. */
  #note(nowMs: number): 'opened' | 'worse' | 'worst' | 'same' {
    const found = this.#found;
    const worst = this.#worst;
    const opened = !this.#open;
    if (opened) {
      this.#open = true;
      this.#openedMs = nowMs;
      this.#types = 0;
      this.#ticks = 0;
      this.#refusals = 0;
      this.#awaiting = 0;
    }
    this.#lastMs = nowMs;
    this.#types |= 1 << VIOLATION_TYPES.indexOf(found.type);
    const worse = opened || found.severity > worst.severity;
    if (!worse && !(found.severity === worst.severity && found.excess > worst.excess)) return 'same';
    worst.type = found.type;
    worst.severity = found.severity;
    worst.excess = found.excess;
    return opened ? 'opened' : worse ? 'worse' : 'worst';
  }
}
