import {
  CLAMP_FLAGS,
  FLAG,
  flagNames,
  SEVERITIES,
  type Severity,
  type TickResult,
  Violation,
  type ViolationType,
  worstViolation,
} from '@sinew/control';
import type { HotCounter, Metrics } from '@sinew/telemetry';

/**
 * What the governor did, counted the same for every pacing and REST. Cells are made once: a tick costs an addition, a clamped
 * one an addition a reason.
 */
export class SafetyMetrics {
  readonly #metrics: Metrics;
  readonly #passed: HotCounter;
  readonly #clamped: HotCounter;
  readonly #rejected: HotCounter;
  readonly #violation = new Violation();
  readonly #modifications: readonly { readonly bit: number; readonly cell: HotCounter }[];

  constructor(metrics: Metrics) {
    this.#metrics = metrics;
    this.#passed = metrics.safetyChecks.cell('passed');
    this.#clamped = metrics.safetyChecks.cell('clamped');
    this.#rejected = metrics.safetyChecks.cell('rejected');
    this.#modifications = flagNames(CLAMP_FLAGS).map((name) => ({
      bit: FLAG[name],
      cell: metrics.safetyModifications.cell(name),
    }));
  }

  /** One action that was judged. A hold that has nothing to judge is none. */
  tick({ kind, flags, score, clamped }: TickResult): void {
    if ((flags & FLAG.rejected) !== 0) {
      this.#rejected.inc();
      this.refused(flags, score);
    } else if (kind === 'action') {
      if (!clamped) this.#passed.inc();
      else {
        this.#clamped.inc();
        for (const { bit, cell } of this.#modifications) if ((flags & bit) !== 0) cell.inc();
      }
    }
  }

  /** A step or a chunk that is not sent. */
  refused(flags: number, score: number): void {
    const found = this.#violation;
    if (!worstViolation(flags | FLAG.rejected, score, found)) return;
    this.#metrics.safetyRejections.inc({ severity: SEVERITIES[found.severity] ?? 'low', violation_type: found.type });
  }

  instructionRefused(severity: Severity): void {
    this.#metrics.safetyRejections.inc({ severity, violation_type: 'instruction' });
  }

  /** An incident that is over. */
  incident(severity: Severity, type: ViolationType): void {
    this.#metrics.safetyIncidents.inc({ severity, violation_type: type });
  }
}
