import { IncidentTracker, type TickResult } from '@sinew/control';
import type { SafetyIncidentEvent } from '@sinew/journal';
import { v7 as uuidv7 } from 'uuid';
import { type IncidentSubject, incidentRecord } from '../session/incident-record.js';
import type { SafetyMetrics } from '../session/safety-metrics.js';

/** The incident of a request by itself: what its chunk or its plan broke, opened and closed with it. */
export class PlanIncident {
  readonly #tracker: IncidentTracker;
  readonly #safety: SafetyMetrics;
  readonly #nowMs: number;

  constructor(dim: number, safety: SafetyMetrics, nowMs: number) {
    this.#tracker = new IncidentTracker(dim);
    this.#safety = safety;
    this.#nowMs = nowMs;
  }

  tick(n: number, result: TickResult): void {
    this.#safety.tick(result);
    if (this.#tracker.watches(result.flags)) this.#tracker.tick(this.#nowMs, n, result);
  }

  refusedChunk(chunk: { flags: number; score: number; ref: number; actions: Float32Array }): void {
    this.#safety.refused(chunk.flags, chunk.score);
    this.#tracker.refused(this.#nowMs, 0, { ...chunk, row: 0 });
  }

  /** What there is to journal, or null. */
  record(subject: IncidentSubject, instruction: string): SafetyIncidentEvent | null {
    const incident = this.#tracker.end();
    if (incident === null) return null;
    this.#safety.incident(incident.severity, incident.type);
    const state = { incidentId: uuidv7(), episode: null, instruction, nowMs: this.#nowMs, closed: true };
    return incidentRecord(subject, incident, state);
  }
}
