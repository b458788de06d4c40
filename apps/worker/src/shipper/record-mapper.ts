import { instructionCategory } from '@sinew/contracts';
import type {
  EpisodeRow,
  ErasureRow,
  HeldInference,
  IncidentRow,
  InferenceRow,
  QualityFailureRow,
  SessionRow,
  ShippedBatch,
} from '@sinew/db';
import {
  type EventRecord,
  type InferenceRecord,
  type JournalEntry,
  logIdTimeMs,
  type SessionRecord,
  type TicksRecord,
} from '@sinew/journal';
import { HOLD_PRIORITY } from '@sinew/protocol';
import { incidentRow, inferenceRow, isoTime, qualityFailureRow, sessionRow } from './rows.js';
import { assertSound } from './sound-record.js';

/** Why a session ended whose gateway died before it could say. */
const GATEWAY_LOST = 'gateway_lost';
/** A tick's kind where it was held for safety. */
const SAFETY_HOLD = HOLD_PRIORITY.indexOf('safety') + 1;

interface OpenEpisode {
  readonly episode: number;
  readonly started_ms: number;
  instruction: string;
  ticks: number;
  /** The highest tick counted: a record that stands twice in the journal counts once. */
  last_tick: number;
  first_log_id: number | null;
  last_log_id: number | null;
}

interface OpenSession {
  /** As stored, without the large columns: they stay in the database as they are. */
  row: SessionRow;
  instruction: string;
  /** Its last record: when it ended, where its gateway died. */
  last_ms: number;
  /** When its last episode was reset: the next one started then. */
  reset_ms: number | null;
  current: OpenEpisode | null;
  /** The highest number of an episode that is over: records that come late, or twice, do not open it again. */
  ended: number;
}

/** What the mapper knows of sessions that are still open. Plain JSON: it is kept with the checkpoint. */
export interface MapperState {
  readonly writer_id: string;
  readonly sessions: readonly OpenSession[];
  /** Safety incidents that go on. */
  readonly incidents?: readonly IncidentRow[];
}

/**
 * Turns records, in their order, into rows. Rows are absolute (an episode's tick count, not an increment), so that the same
 * records again, from the same state, give the same rows. Sessions are stored when they open, resume and close; episodes
 * when they begin and end.
 */
export class RecordMapper {
  #writerId: string;
  readonly #sessions: Map<string, OpenSession>;
  #sessionRows = new Map<string, SessionRow>();
  #episodeRows = new Map<string, EpisodeRow>();
  #inferenceRows: InferenceRow[] = [];
  readonly #openIncidents: Map<string, IncidentRow>;
  #incidentRows = new Map<string, IncidentRow>();
  #held = new Map<number, HeldInference>();
  #failures: QualityFailureRow[] = [];
  /** Of the batch alone: nobody's words outlive it here. */
  #categories = new Map<string, string>();

  constructor(state: MapperState | null) {
    this.#writerId = state?.writer_id ?? '';
    this.#sessions = new Map(state?.sessions.map((session) => [session.row.session_id, session]));
    this.#openIncidents = new Map(state?.incidents?.map((incident) => [incident.incident_id, incident]));
  }

  /** A robot says the same for minutes: a batch's instructions are told apart once each. */
  readonly #category = (instruction: string): string => {
    let category = this.#categories.get(instruction);
    if (category === undefined) {
      category = instructionCategory(instruction);
      this.#categories.set(instruction, category);
    }
    return category;
  };

  get openSessions(): number {
    return this.#sessions.size;
  }

  state(): MapperState {
    return {
      writer_id: this.#writerId,
      sessions: [...this.#sessions.values()],
      incidents: [...this.#openIncidents.values()],
    };
  }

  /** Throws, and changes nothing, where no row can be made of the record. */
  add(entry: JournalEntry): void {
    const { record } = entry;
    assertSound(record);
    this.writer(entry.writer_id);
    switch (record.kind) {
      case 'session':
        return this.#addSession(record);
      case 'inference':
        return this.#addInference(record);
      case 'ticks':
        return this.#addTicks(record);
      case 'event':
        return this.#addEvent(record);
      case 'erased':
        return;
    }
  }

  /** Segments by another writer follow: the gateway before it is gone, and its open sessions with it (S7). */
  writer(writerId: string): void {
    if (writerId === '' || writerId === this.#writerId) return;
    this.#writerId = writerId;
    for (const session of this.#sessions.values()) {
      this.#endEpisode(session, session.last_ms, null);
      this.#emitSession({ ...session.row, closed_at: isoTime(session.last_ms), reason: GATEWAY_LOST });
    }
    this.#sessions.clear();
    for (const incident of this.#openIncidents.values()) {
      this.#incidentRows.set(incident.incident_id, { ...incident, closed_at: incident.last_violation_at });
    }
    this.#openIncidents.clear();
  }

  /**
   * What an erasure covers goes out of the state, which is kept in a file. Sessions that go on, and their episodes, keep their
   * place; what a session is told from now on is new.
   */
  forget({ customer_id, log_id, before }: Pick<ErasureRow, 'customer_id' | 'log_id' | 'before'>): void {
    const covers = (row: { readonly customer_id: string }, ms: number): boolean =>
      row.customer_id === customer_id && ms <= before.getTime();
    for (const session of this.#sessions.values()) {
      if (log_id !== null || !covers(session.row, Date.parse(session.row.opened_at))) continue;
      session.instruction = '';
      if (session.current !== null && session.current.started_ms <= before.getTime()) session.current.instruction = '';
    }
    for (const [id, row] of this.#openIncidents) {
      if (!covers(row, Date.parse(row.opened_at)) || (log_id !== null && log_id !== row.log_id)) continue;
      const gone = { instruction: null, proposed_action: null, sent_action: null, log_id: null, log_timestamp: null };
      this.#openIncidents.set(id, { ...row, ...gone });
    }
  }

  /** The rows since the last time. */
  take(): ShippedBatch {
    const batch = {
      sessions: [...this.#sessionRows.values()],
      episodes: [...this.#episodeRows.values()],
      inferences: this.#inferenceRows,
      incidents: [...this.#incidentRows.values()],
      held: [...this.#held.values()],
      failures: this.#failures,
    };
    this.#sessionRows = new Map();
    this.#episodeRows = new Map();
    this.#inferenceRows = [];
    this.#incidentRows = new Map();
    this.#held = new Map();
    this.#failures = [];
    this.#categories = new Map();
    return batch;
  }

  #addSession(record: SessionRecord): void {
    const known = this.#sessions.get(record.session_id);
    const openedMs = known === undefined ? record.t_ms : Date.parse(known.row.opened_at);
    const row = sessionRow(record, openedMs);
    this.#emitSession(row);
    if (record.event === 'close') {
      if (known !== undefined) this.#endEpisode(known, record.t_ms, null);
      this.#sessions.delete(record.session_id);
      return;
    }
    const small = { ...row, limits: null, environment: null, client: null };
    const { instruction, t_ms: last_ms } = record;
    if (known === undefined) {
      this.#sessions.set(record.session_id, {
        row: small,
        instruction,
        last_ms,
        reset_ms: null,
        current: null,
        ended: -1,
      });
    } else {
      known.row = small;
      known.last_ms = last_ms;
    }
  }

  #addInference(record: InferenceRecord): void {
    this.#inferenceRows.push(inferenceRow(record, this.#category));
    const session = record.session_id === null ? undefined : this.#sessions.get(record.session_id);
    // Erased; but the robot goes on with it, and says so.
    if (session?.instruction === '') session.instruction = record.instruction;
    const episode = this.#episode(record, record.episode);
    if (episode === null) return;
    episode.first_log_id ??= record.log_id;
    episode.last_log_id = Math.max(episode.last_log_id ?? 0, record.log_id);
  }

  #addTicks(record: TicksRecord): void {
    // Only inputs, which belong to the ticks to come: no episode begins by them.
    if (record.seq.length === 0) return;
    this.#addHeld(record);
    const episode = this.#episode(record, record.episode);
    if (episode === null) return;
    for (const tick of record.seq) {
      if (tick <= episode.last_tick) continue;
      episode.last_tick = tick;
      episode.ticks++;
    }
  }

  /** A step that was kept back names the chunk it came from; other safety holds name none. */
  #addHeld({ customer_id, kinds, log_ids }: TicksRecord): void {
    for (const [i, kind] of kinds.entries()) {
      const log_id = log_ids[i] ?? 0;
      if (kind !== SAFETY_HOLD || log_id === 0) continue;
      this.#held.set(log_id, { log_id, timestamp: isoTime(logIdTimeMs(log_id)), customer_id });
    }
  }

  #addIncident(row: IncidentRow): void {
    this.#incidentRows.set(row.incident_id, row);
    if (row.closed_at === null) this.#openIncidents.set(row.incident_id, row);
    else this.#openIncidents.delete(row.incident_id);
  }

  #addEvent(record: EventRecord): void {
    if (record.event === 'safety_incident') this.#addIncident(incidentRow(record));
    else if (record.event === 'rejected_observations') {
      const failure = qualityFailureRow(record);
      if (failure !== null) this.#failures.push(failure);
    }
    const session = record.session_id === null ? undefined : this.#sessions.get(record.session_id);
    if (session === undefined) return;
    session.last_ms = record.t_ms;
    if (record.event === 'instruction') {
      session.instruction = record.data.instruction;
      if (session.current !== null) session.current.instruction = record.data.instruction;
    } else if (record.event === 'reset') {
      const episode = record.episode ?? 0;
      if (episode <= session.ended) return;
      this.#endEpisode(session, record.t_ms, record.outcome?.success ?? null);
      session.ended = episode;
      session.reset_ms = record.t_ms;
    }
  }

  /** The open episode that a record of this number belongs to; null for one that is over, or of an unknown session. */
  #episode(record: InferenceRecord | TicksRecord, number: number): OpenEpisode | null {
    const session = record.session_id === null ? undefined : this.#sessions.get(record.session_id);
    if (session === undefined) return null;
    session.last_ms = record.t_ms;
    const current = session.current;
    if (current?.episode === number) return current;
    if (number <= session.ended) return null;
    // Its reset is missing: lost to damage.
    if (current !== null) this.#endEpisode(session, record.t_ms, null);
    session.current = {
      episode: number,
      started_ms: session.reset_ms ?? record.t_ms,
      instruction: session.instruction,
      ticks: 0,
      last_tick: -1,
      first_log_id: null,
      last_log_id: null,
    };
    session.reset_ms = null;
    this.#emitEpisode(session, session.current, null, null);
    return session.current;
  }

  #endEpisode(session: OpenSession, endedMs: number, success: boolean | null): void {
    if (session.current === null) return;
    this.#emitEpisode(session, session.current, endedMs, success);
    session.ended = session.current.episode;
    session.current = null;
  }

  #emitEpisode(session: OpenSession, open: OpenEpisode, endedMs: number | null, success: boolean | null): void {
    const { session_id, customer_id, robot_id } = session.row;
    this.#episodeRows.set(`${session_id}/${open.episode}`, {
      session_id,
      episode: open.episode,
      customer_id,
      robot_id,
      instruction: open.instruction,
      started_at: isoTime(open.started_ms),
      ended_at: endedMs === null ? null : isoTime(endedMs),
      ticks: open.ticks,
      success,
      first_log_id: open.first_log_id,
      last_log_id: open.last_log_id,
    });
  }

  /** A later row of the same batch keeps the large columns of the one before. */
  #emitSession(row: SessionRow): void {
    const before = this.#sessionRows.get(row.session_id);
    this.#sessionRows.set(row.session_id, {
      ...row,
      limits: row.limits ?? before?.limits ?? null,
      environment: row.environment ?? before?.environment ?? null,
      client: row.client ?? before?.client ?? null,
    });
  }
}
