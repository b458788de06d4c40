import { flagNames } from '@sinew/control';
import type { ErasedRecord, InferenceRecord, JournalRecord, SessionRecord } from '@sinew/journal';
import { replayPlan } from './plan-replay.js';
import type { Difference, ReplayedTick } from './replayed-tick.js';
import { SessionReplay } from './session-replay.js';
import { type OtherSettings, ReplayError } from './settings.js';

/** What a replay says of one session, or of one request by itself (`pacing` "rest", `session_id` its request_id). */
export interface SessionReport {
  readonly session_id: string;
  readonly robot_id: string;
  readonly robot_type: string;
  readonly model_id: string;
  readonly pacing: string;
  /** Of its actions; empty and 0 where no loop could be built. */
  action_space: string;
  dim: number;
  ticks: number;
  holds: number;
  /** Ticks of which anything differs from the record; of which what was sent differs. */
  differing: number;
  differing_sent: number;
  /** Of a number that was sent, in its own unit, and where. */
  largest: { readonly difference: number; readonly n: number; readonly episode: number; readonly index: number } | null;
  first: Difference | null;
  /** Ticks by flag, as recorded and now. */
  readonly flags: Record<string, { recorded: number; replayed: number }>;
  /** Why it could not be replayed, or not to its end; null: all that the journal holds was. */
  incomplete: string | null;
}

export interface JournalReplayOptions {
  /** Only this session, or this request; null: all. */
  readonly session: string | null;
  readonly other: OtherSettings;
  readonly onTick?: (session: SessionReport, tick: ReplayedTick) => void;
}

const ERASED = 'its customer had recorded data of it erased';

interface Live {
  readonly replay: SessionReplay | null;
  readonly report: SessionReport;
}

/** Replays the sessions of a journal from its records, given in their order. Nothing of a session outlives its `close`. */
export class JournalReplay {
  readonly #options: JournalReplayOptions;
  readonly #live = new Map<string, Live>();
  readonly #seen = new Set<string>();
  readonly reports: SessionReport[] = [];

  constructor(options: JournalReplayOptions) {
    this.#options = options;
  }

  /** Throws a ReplayError where other settings cannot be had; what is wrong with one recorded session stands in its report. */
  add(record: JournalRecord): void {
    const { session } = this.#options;
    if (record.kind === 'event') return;
    if (record.kind === 'inference' && record.session_id === null) {
      if (record.plan !== undefined && (session === null || session === record.request_id)) this.#request(record);
      return;
    }
    const id = record.session_id;
    if (id === null || (session !== null && id !== session)) return;
    if (record.kind === 'session') this.#session(record);
    else if (record.kind === 'erased') this.#erased(record, id);
    // A record may stand twice in a journal, also after its session's end.
    else if (this.#live.has(id) || !this.#seen.has(id)) {
      const live = this.#live.get(id) ?? this.#headless(id, record.kind === 'inference' ? record : null);
      const { replay, report } = live;
      if (replay === null || report.incomplete !== null) return;
      if (record.kind === 'inference') replay.inference(record);
      else this.#guarded(report, () => replay.ticks(record, (tick) => this.#count(report, tick)));
    }
  }

  #session(record: SessionRecord): void {
    const { event, session_id } = record;
    if (event === 'close') {
      this.#live.delete(session_id);
      return;
    }
    if (event !== 'open' || this.#seen.has(session_id)) return;
    this.#seen.add(session_id);
    const report = this.#report(record, record.pacing, session_id);
    let replay: SessionReplay | null = null;
    if (record.erased === true) {
      report.incomplete = ERASED;
      this.#live.set(session_id, { replay, report });
      return;
    }
    this.#guarded(report, () => {
      replay = new SessionReplay(record, this.#options.other);
      report.action_space = replay.spec.actionSpace;
      report.dim = replay.spec.dim;
    });
    this.#live.set(session_id, { replay, report });
  }

  /** From here on nothing can be computed: what entered the loop is gone. */
  #erased({ was }: ErasedRecord, id: string): void {
    if (was !== 'ticks' && was !== 'inference') return;
    if (!this.#live.has(id) && this.#seen.has(id)) return;
    const { report } = this.#live.get(id) ?? this.#headless(id, null);
    report.incomplete = ERASED;
  }

  /** A session whose beginning is not in the journal any more. */
  #headless(id: string, record: InferenceRecord | null): Live {
    const unknown = { robot_id: '', robot_type: '', model_id: '' };
    this.#seen.add(id);
    const report = this.#report(record ?? unknown, '', id);
    report.incomplete = 'its beginning is not in the journal';
    const live = { replay: null, report };
    this.#live.set(id, live);
    return live;
  }

  #request(record: InferenceRecord): void {
    if (this.#seen.has(record.request_id)) return;
    this.#seen.add(record.request_id);
    const report = this.#report(record, 'rest', record.request_id);
    this.#guarded(report, () => {
      const spec = replayPlan(record, this.#options.other, (tick) => this.#count(report, tick));
      report.action_space = spec.actionSpace;
      report.dim = spec.dim;
    });
  }

  #report(
    { robot_id, robot_type, model_id }: Pick<SessionRecord, 'robot_id' | 'robot_type' | 'model_id'>,
    pacing: string,
    session_id: string,
  ): SessionReport {
    const report: SessionReport = {
      session_id,
      robot_id,
      robot_type,
      model_id,
      pacing,
      action_space: '',
      dim: 0,
      ticks: 0,
      holds: 0,
      differing: 0,
      differing_sent: 0,
      largest: null,
      first: null,
      flags: {},
      incomplete: null,
    };
    this.reports.push(report);
    return report;
  }

  #guarded(report: SessionReport, step: () => void): void {
    try {
      step();
    } catch (error) {
      // A setting that this session cannot have is the caller's to know.
      if (!(error instanceof ReplayError) || error.field !== '') throw error;
      report.incomplete = error.message;
    }
  }

  #count(report: SessionReport, tick: ReplayedTick): void {
    report.ticks++;
    if (tick.hold !== null) report.holds++;
    for (const name of flagNames(tick.recorded.flags)) flagCount(report, name).recorded++;
    for (const name of flagNames(tick.flags)) flagCount(report, name).replayed++;
    if (tick.difference !== null) {
      report.differing++;
      report.first ??= tick.difference;
      if (tick.difference.stage === 'sent') report.differing_sent++;
      this.#largest(report, tick);
    }
    this.#options.onTick?.(report, tick);
  }

  #largest(report: SessionReport, { sent, recorded, n, episode }: ReplayedTick): void {
    for (const [index, value] of sent.entries()) {
      const difference = Math.abs(value - (recorded.sent[index] ?? Number.NaN));
      if (difference > (report.largest?.difference ?? 0)) report.largest = { difference, n, episode, index };
    }
  }
}

function flagCount({ flags }: SessionReport, name: string): { recorded: number; replayed: number } {
  flags[name] ??= { recorded: 0, replayed: 0 };
  return flags[name];
}
