import type { Incident } from '@sinew/control';
import type { SafetyIncidentEvent } from '@sinew/journal';

/** Whose incident it is: what its row says beside the incident itself. */
export interface IncidentSubject {
  readonly customerId: string;
  readonly keyId: string | null;
  readonly sessionId: string | null;
  readonly robotId: string | null;
  readonly robotType: string | null;
  readonly modelId: string | null;
  readonly modelVersion: string | null;
  readonly environmentType: string | null;
}

interface State {
  readonly incidentId: string;
  readonly episode: number | null;
  readonly instruction: string | null;
  readonly nowMs: number;
  readonly closed: boolean;
}

/** The incident as the journal keeps it: complete by itself, so that its last record stands for all before it. */
export function incidentRecord(subject: IncidentSubject, incident: Incident, state: State): SafetyIncidentEvent {
  const { worst } = incident;
  return {
    v: 1,
    kind: 'event',
    event: 'safety_incident',
    log_id: null,
    t_ms: state.nowMs,
    session_id: subject.sessionId,
    customer_id: subject.customerId,
    robot_id: subject.robotId,
    episode: state.episode,
    data: {
      incident_id: state.incidentId,
      key_id: subject.keyId,
      robot_type: subject.robotType,
      model_id: subject.modelId,
      model_version: subject.modelVersion,
      environment_type: subject.environmentType,
      opened_ms: incident.openedMs,
      last_ms: incident.lastMs,
      closed_ms: state.closed ? state.nowMs : null,
      severity: incident.severity,
      violation_type: incident.type,
      violation_types: incident.types,
      ticks: incident.ticks,
      refusals: incident.refusals,
      worst_tick: worst.tick,
      worst_excess: worst.excess,
      safety_score: worst.score,
      action_taken: worst.action,
      proposed: worst.proposed,
      sent: worst.sent,
      instruction: state.instruction,
      log_id: worst.ref,
    },
  };
}
