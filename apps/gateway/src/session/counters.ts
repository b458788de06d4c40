import { HOLD_PRIORITY, type HoldReason } from '@sinew/protocol';

/** What a session did; sent in `closed`, journaled, and logged once at its end. */
export class SessionCounters {
  observations = 0;
  rejected = 0;
  superseded = 0;
  stale_dropped = 0;
  frames_limited = 0;
  inferences = 0;
  inference_errors = 0;
  safety_rejected = 0;
  chunks_late = 0;
  chunks_sent = 0;
  actions = 0;
  clamped = 0;
  missed_ticks = 0;
  shed_ticks = 0;
  resumes = 0;
  incidents = 0;
  direction_mismatches = 0;
  readonly #holds = new Map<HoldReason, number>();

  hold(reason: HoldReason): void {
    this.#holds.set(reason, (this.#holds.get(reason) ?? 0) + 1);
  }

  /** Flat, so that a reader needs no schema: `holds_stale`, `actions`, … */
  snapshot(): Record<string, number> {
    const out: Record<string, number> = Object.fromEntries(Object.entries(this));
    for (const reason of HOLD_PRIORITY) out[`holds_${reason}`] = this.#holds.get(reason) ?? 0;
    return out;
  }
}
