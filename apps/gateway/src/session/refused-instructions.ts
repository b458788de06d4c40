import { INCIDENT_QUIET_MS, IncidentTracker, type Severity } from '@sinew/control';
import type { JournalRecord } from '@sinew/journal';
import { v7 as uuidv7 } from 'uuid';
import type { Clock } from '../clock.js';
import { type IncidentSubject, incidentRecord } from './incident-record.js';
import type { SafetyMetrics } from './safety-metrics.js';

interface Open {
  readonly incidentId: string;
  readonly subject: IncidentSubject;
  readonly instruction: string;
  readonly tracker: IncidentTracker;
}

/** Beyond so many at a time the further ones are only counted: a client must not choose our memory. */
const MOST_OPEN = 1_000;

/**
 * Instructions refused where there is no session: at `open` and over REST. An incident a customer and rule; a client that
 * repeats itself makes it longer, and writes no further record.
 */
export class RefusedInstructions {
  readonly #open = new Map<string, Open>();
  readonly #clock: Clock;
  readonly #safety: SafetyMetrics;
  readonly #write: (record: JournalRecord) => void;

  constructor(clock: Clock, safety: SafetyMetrics, write: (record: JournalRecord) => void) {
    this.#clock = clock;
    this.#safety = safety;
    this.#write = write;
  }

  note(subject: IncidentSubject, rule: string, severity: Severity, instruction: string): void {
    this.#safety.instructionRefused(severity);
    const key = `${subject.customerId}\n${rule}`;
    let open = this.#open.get(key);
    if (open === undefined) {
      if (this.#open.size >= MOST_OPEN) return;
      open = { incidentId: uuidv7(), subject, instruction, tracker: new IncidentTracker(0) };
      this.#open.set(key, open);
    }
    if (open.tracker.instructionRefused(this.#clock.now(), 0, severity) !== null) this.#record(open, false);
  }

  /** Closes what has been quiet for long enough. */
  sweep(): void {
    const now = this.#clock.now();
    for (const [key, open] of this.#open) {
      const incident = open.tracker.current();
      if (incident !== null && now - incident.lastMs < INCIDENT_QUIET_MS) continue;
      this.#open.delete(key);
      this.#record(open, true);
    }
  }

  /** Closes everything: the gateway ends. */
  close(): void {
    for (const open of this.#open.values()) this.#record(open, true);
    this.#open.clear();
  }

  #record({ incidentId, subject, instruction, tracker }: Open, closed: boolean): void {
    const incident = tracker.current();
    if (incident === null) return;
    if (closed) this.#safety.incident(incident.severity, incident.type);
    const state = { incidentId, episode: null, instruction, nowMs: this.#clock.now(), closed };
    // No tick: nothing ran.
    const record = incidentRecord(subject, incident, state);
    this.#write({ ...record, data: { ...record.data, worst_tick: null, safety_score: null } });
  }
}
