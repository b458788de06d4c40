import { checkRecordedInference } from '@sinew/contracts';
import type { InferenceRecord, JournalRecord } from '@sinew/journal';

/** ECMA-262, Time Values and Time Range. */
const MAX_DATE_MS = 8.64e15;

/**
 * Throws where no row can be made of a record. Asked before anything is made of it: half a record in the mapper's state would
 * spoil the rows of others. What the database itself refuses is not looked at here.
 */
export function assertSound(record: JournalRecord): void {
  assertTime(record.t_ms, 't_ms');
  switch (record.kind) {
    case 'session':
      return assert(typeof record.instruction === 'string', 'instruction');
    case 'inference':
      assert(Number.isSafeInteger(record.log_id), 'log_id');
      assert(typeof record.instruction === 'string', 'instruction');
      assert(record.chunk instanceof Uint8Array, 'chunk');
      assert(Array.isArray(record.shape), 'shape');
      return assertRules(record);
    case 'ticks':
      assert(Array.isArray(record.seq), 'seq');
      assert(Array.isArray(record.log_ids), 'log_ids');
      return assert(Array.isArray(record.kinds), 'kinds');
    case 'event':
      if (record.event === 'instruction') assert(typeof record.data?.instruction === 'string', 'data.instruction');
      if (record.event === 'rejected_observations') {
        assert(typeof record.data?.field === 'string' && typeof record.data.reason === 'string', 'data');
        assert(Number.isSafeInteger(record.data.count), 'data.count');
      }
      if (record.event === 'safety_incident') {
        const { data } = record;
        assert(typeof data?.incident_id === 'string', 'data.incident_id');
        assert(data.log_id === null || Number.isSafeInteger(data.log_id), 'data.log_id');
        for (const ms of [data.opened_ms, data.last_ms, data.closed_ms ?? 0]) assertTime(ms, 'data');
      }
      return;
  }
}

function assertRules(record: InferenceRecord): void {
  const fault = checkRecordedInference(record);
  if (fault !== null) throw new TypeError(`${fault.rule}: ${fault.reason}`);
}

/** Milliseconds that a date can hold. */
function assertTime(ms: number, field: string): void {
  assert(Math.abs(ms) <= MAX_DATE_MS, field);
}

function assert(sound: boolean, field: string): void {
  if (!sound) throw new TypeError(`${field} is not of its type`);
}
