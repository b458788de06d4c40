import { type Incident, type IncidentNews, IncidentTracker, type Severity, type TickResult } from '@sinew/control';
import type { SafetyIncidentEvent } from '@sinew/journal';
import { v7 as uuidv7 } from 'uuid';
import type { Clock } from '../clock.js';
import type { SessionCounters } from './counters.js';
import { type IncidentSubject, incidentRecord } from './incident-record.js';
import type { SessionProfile } from './profile.js';
import type { SafetyMetrics } from './safety-metrics.js';

/** A chunk that the governor refused whole. */
export interface RefusedChunk {
  readonly logId: number;
  readonly actions: Float32Array;
  readonly score: number;
  readonly flags: number;
  readonly baseTick: number;
  /** The first tick that it could have been used for. */
  readonly nextTick: number;
}

export interface IncidentPorts {
  readonly clock: Clock;
  readonly safety: SafetyMetrics;
  readonly counters: SessionCounters;
  readonly write: (event: SafetyIncidentEvent) => void;
  /** What the session is at. */
  readonly moment: () => { readonly episode: number; readonly instruction: string };
}

/**
 * A session's incidents on their way to the journal: a record when one opens, so that a killed gateway has told of it, when
 * it gets more severe, and when it closes. All of the same id; the last one stands.
 */
export class SessionIncidents {
  readonly #tracker: IncidentTracker;
  readonly #subject: IncidentSubject;
  readonly #dim: number;
  readonly #ports: IncidentPorts;
  #incidentId = '';
  #episode = 0;
  #instruction = '';

  constructor(profile: SessionProfile, ports: IncidentPorts) {
    const { description } = profile.model;
    this.#dim = description.action_dim;
    this.#tracker = new IncidentTracker(this.#dim);
    this.#ports = ports;
    this.#subject = {
      customerId: profile.principal.customerId,
      keyId: profile.principal.keyId,
      sessionId: profile.id,
      robotId: profile.robotId,
      robotType: profile.robotType,
      modelId: description.id,
      modelVersion: description.version,
      environmentType: profile.environment?.environment_type ?? null,
    };
  }

  /** Whether a tick with these flags must be told; one comparison. */
  watches(flags: number): boolean {
    return this.#tracker.watches(flags);
  }

  tick(n: number, result: TickResult): void {
    this.#tell(this.#tracker.tick(this.#ports.clock.now(), n, result));
  }

  refusedChunk({ logId, actions, score, flags, baseTick, nextTick }: RefusedChunk): void {
    this.#ports.safety.refused(flags, score);
    const lastRow = Math.max(0, Math.floor(actions.length / this.#dim) - 1);
    const row = Math.min(lastRow, Math.max(0, nextTick - baseTick));
    const chunk = { flags, score, ref: logId, actions, row };
    this.#tell(this.#tracker.refused(this.#ports.clock.now(), nextTick, chunk));
  }

  refusedInstruction(instruction: string, severity: Severity, nextTick: number): void {
    this.#ports.safety.instructionRefused(severity);
    this.#tell(this.#tracker.instructionRefused(this.#ports.clock.now(), nextTick, severity), instruction);
  }

  /** Closes what has been quiet for long enough; asked now and then. */
  settle(): void {
    this.#close(this.#tracker.settle(this.#ports.clock.now()));
  }

  /** Closes what is open: the session ends. */
  end(): void {
    this.#close(this.#tracker.end());
  }

  #tell(news: IncidentNews, instruction?: string): void {
    if (news === null) return;
    const moment = this.#ports.moment();
    if (news === 'opened') {
      this.#incidentId = uuidv7();
      this.#ports.counters.incidents++;
    }
    this.#episode = moment.episode;
    this.#instruction = instruction ?? moment.instruction;
    const incident = this.#tracker.current();
    if (incident !== null) this.#write(incident, false);
  }

  #close(incident: Incident | null): void {
    if (incident === null) return;
    this.#ports.safety.incident(incident.severity, incident.type);
    this.#write(incident, true);
  }

  #write(incident: Incident, closed: boolean): void {
    this.#ports.write(
      incidentRecord(this.#subject, incident, {
        incidentId: this.#incidentId,
        episode: this.#episode,
        instruction: this.#instruction,
        nowMs: this.#ports.clock.now(),
        closed,
      }),
    );
  }
}
