import type { JournalRecord } from '@sinew/journal';
import { isoTime } from './rows.js';

/**
 * Throws where no row can be made of a record. Asked before anything is made of it: half a record in the mapper's state would
 * spoil the rows of others. What the database itself refuses is not looked at here.
 */
export function assertSound(record: JournalRecord): void {
  isoTime(record.t_ms);
  switch (record.kind) {
    case 'session':
      return assert(typeof record.instruction === 'string', 'instruction');
    case 'inference':
      assert(Number.isSafeInteger(record.log_id), 'log_id');
      assert(typeof record.instruction === 'string', 'instruction');
      assert(record.chunk instanceof Uint8Array, 'chunk');
      return assert(Array.isArray(record.shape), 'shape');
    case 'ticks':
      return assert(Array.isArray(record.seq), 'seq');
    case 'event':
      return assert(record.event !== 'instruction' || typeof record.data?.instruction === 'string', 'data.instruction');
  }
}

function assert(sound: boolean, field: string): void {
  if (!sound) throw new TypeError(`${field} is not of its type`);
}
