import type { EventRecord, JournalRecord, SessionRecord } from '@sinew/journal';
import type { LogLevel } from '@sinew/recording';

export interface LogLine {
  readonly level: LogLevel;
  readonly text: string;
}

/** What a record says to whoever plays a recording; null where other topics have it. `words`: text as it may be kept. */
export function logLine(record: JournalRecord, words: (text: string) => string): LogLine | null {
  if (record.kind === 'session') return lifeLine(record, words);
  if (record.kind === 'inference') {
    if (record.status === 'ok') return null;
    const why = record.error ?? record.safety_flags.join(', ');
    return { level: 'WARNING', text: `inference ${record.status}${why === '' ? '' : `: ${words(why)}`}` };
  }
  return record.kind === 'event' ? eventLine(record, words) : null;
}

function lifeLine(record: SessionRecord, words: (text: string) => string): LogLine {
  switch (record.event) {
    case 'open':
      return { level: 'INFO', text: `session opened: ${words(record.instruction)}` };
    case 'resume':
      return { level: 'INFO', text: `session resumed, epoch ${record.epoch}` };
    case 'close':
      return { level: 'INFO', text: `session closed (${record.reason}): ${JSON.stringify(record.counters)}` };
  }
}

function eventLine(record: EventRecord, words: (text: string) => string): LogLine | null {
  switch (record.event) {
    case 'instruction':
      return { level: 'INFO', text: `instruction: ${words(record.data.instruction)}` };
    case 'reset': {
      const success = record.outcome?.success;
      const outcome = success === undefined ? 'of unknown outcome' : success ? 'a success' : 'a failure';
      return { level: 'INFO', text: `reset: episode ${record.episode} ends, ${outcome}` };
    }
    case 'estop':
      return { level: 'ERROR', text: `e-stop by ${String(record.data.by)}` };
    case 'estop_clear':
      return { level: 'WARNING', text: `e-stop released by ${String(record.data.by)}` };
    case 'safety_incident': {
      const { action_taken, closed_ms, severity, ticks, violation_types } = record.data;
      const when = closed_ms === null ? 'goes on' : `ended after ${ticks} ticks`;
      const text = `safety incident (${severity}): ${violation_types.join(', ')}; ${action_taken}; ${when}`;
      return { level: severity === 'critical' || severity === 'high' ? 'ERROR' : 'WARNING', text };
    }
    case 'rejected_observations': {
      const { count, field, reason } = record.data;
      return { level: 'WARNING', text: `${count} refused: ${field}: ${words(reason)}` };
    }
    case 'direction_mismatch':
      return { level: 'WARNING', text: `moved against its instruction, which asked for ${record.data.asked}` };
    case 'consent':
      return { level: 'INFO', text: `consent is now ${String(record.data.row.tier)}` };
    default:
      return null;
  }
}
