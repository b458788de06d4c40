import type { InferenceRecord, JournalWriter } from '@sinew/journal';
import { SinewError } from '@sinew/protocol';

/** A healthy disk writes within milliseconds; one that has not by now will not in a client's patience. */
const PATIENCE_MS = 5_000;

/**
 * Resolves when the record is written: only then may its action leave. A record may be dropped, and a failing disk is
 * tried for ever, so the wait ends with `journal_full`: what cannot be recorded must not be done.
 */
export function recorded(journal: JournalWriter, record: InferenceRecord): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new SinewError('journal_full', 'The journal did not take the record in time')),
      PATIENCE_MS,
    );
    journal.append(record, () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
