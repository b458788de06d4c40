import type { ControlSpec } from '@sinew/control';
import type { EventRecord, JournalRecord, JournalWriter, SessionRecord } from '@sinew/journal';
import type { ConsentCache, ConsentInForce } from '@sinew/privacy';
import type { Logger } from '@sinew/telemetry';
import type { Clock } from '../clock.js';
import { rejectedData } from '../gates/refusals.js';
import type { SessionCounters } from './counters.js';
import type { SessionProfile } from './profile.js';
import { Rejections } from './rejections.js';
import type { TickLog } from './tick-log.js';

type SessionEvent = Pick<EventRecord, 'event' | 'data'> & { outcome?: { success: boolean } };

interface RecordContext {
  readonly journal: JournalWriter;
  readonly clock: Clock;
  readonly log: Logger;
  readonly consents: ConsentCache;
}

/** What of a session goes into the journal beside its inferences: its life, its events, its ticks. */
export class SessionRecords {
  readonly #profile: SessionProfile;
  readonly #journal: JournalWriter;
  readonly #clock: Clock;
  readonly #ticks: TickLog;
  readonly #log: Logger;
  readonly #consents: ConsentCache;
  /** As the journal has it. */
  #consent: ConsentInForce;
  readonly #rejections = new Rejections();
  readonly #recorded: (record: JournalRecord) => void;

  constructor(
    profile: SessionProfile,
    { clock, consents, journal, log }: RecordContext,
    ticks: TickLog,
    recorded: (record: JournalRecord) => void,
  ) {
    this.#profile = profile;
    this.#consents = consents;
    this.#consent = consents.inForce(profile.principal.customerId);
    this.#journal = journal;
    this.#clock = clock;
    this.#ticks = ticks;
    this.#log = log;
    this.#recorded = recorded;
  }

  /**
   * A journal that takes nothing more must not end the session's own handling: an e-stop still has to stop the robot. The
   * writer counts and reports what it refuses; without it no chunk moves anything.
   */
  append(record: JournalRecord): void {
    try {
      this.#journal.append(record);
    } catch (error) {
      this.#log.error({ err: error, session_id: this.#profile.id, kind: record.kind }, 'journal refused a record');
    }
    this.#recorded(record);
  }

  /** `open`, with everything that a replay must configure. */
  opened(instruction: string, epoch: number, { limits: _, ...control }: ControlSpec): void {
    this.#life('open', instruction, epoch, { control, asked: this.#profile.asked });
  }

  resumed(instruction: string, epoch: number): void {
    this.#life('resume', instruction, epoch, {});
  }

  closed(instruction: string, epoch: number, reason: string, counters: SessionCounters): void {
    this.#life('close', instruction, epoch, { reason, counters: counters.snapshot() });
  }

  #life(
    event: SessionRecord['event'],
    instruction: string,
    epoch: number,
    more: Pick<SessionRecord, 'control' | 'asked' | 'reason' | 'counters'>,
  ): void {
    const { description } = this.#profile.model;
    const { principal, robotId, robotType, controlHz, pacing, execute, blend, smoothing, limits } = this.#profile;
    this.append({
      v: 1,
      kind: 'session',
      event,
      log_id: null,
      t_ms: this.#clock.now(),
      session_id: this.#profile.id,
      customer_id: principal.customerId,
      key_id: principal.keyId,
      robot_id: robotId,
      robot_type: robotType,
      model_id: description.id,
      model_version: description.version,
      control_hz: controlHz,
      pacing,
      execute,
      blend,
      smoothing,
      limits,
      instruction,
      environment: this.#profile.environment,
      client: this.#profile.client,
      epoch,
      consent: this.#consent,
      ...more,
    });
  }

  /** Records what the customer's consent has become, where it changed: given, taken back, run out, or not to be told any more. */
  consent(episode: number): void {
    const now = this.#consents.inForce(this.#profile.principal.customerId);
    if (now.tier === this.#consent.tier && now.version === this.#consent.version) return;
    this.#consent = now;
    this.event(episode, { event: 'consent', data: { row: { ...now } } });
  }

  event(episode: number, event: SessionEvent): void {
    this.append({
      v: 1,
      kind: 'event',
      log_id: null,
      t_ms: this.#clock.now(),
      session_id: this.#profile.id,
      customer_id: this.#profile.principal.customerId,
      robot_id: this.#profile.robotId,
      episode,
      ...event,
    } as EventRecord);
  }

  ticks(episode: number): void {
    const record = this.#ticks.take({
      session_id: this.#profile.id,
      customer_id: this.#profile.principal.customerId,
      t_ms: this.#clock.now(),
      episode,
    });
    if (record !== null) this.append(record);
  }

  rejected(field: string, reason: string, rule: string): void {
    // Reasons carry numbers (`tick 17 was not sent yet`): without them a broken client would write a record a frame.
    this.#rejections.add(field, reason.replace(/\d+(\.\d+)?/g, '#'), rule, this.#clock.now());
  }

  /** Writes what a second of refusals collected, or all of it at the end. */
  rejections(episode: number, everything = false): void {
    for (const rejected of this.#rejections.take(this.#clock.now(), everything)) {
      const data = rejectedData(rejected, this.#profile.robotType, 'stream');
      this.event(episode, { event: 'rejected_observations', data });
    }
  }
}
