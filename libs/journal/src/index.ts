export { type Checkpoint, clearCheckpoint, loadCheckpoint, loadShippedPosition, saveCheckpoint } from './checkpoint.js';
export { decodeMap } from './codec.js';
export { CUSTOMER_SHARE, type Pressure, WARN_SHARE } from './disk-budget.js';
export { type ErasedCounts, type EraseOptions, type EraseResult, eraseRecords, journalIdOf } from './erase.js';
export { eraseInThread } from './erase-in-thread.js';
export type { Erasure } from './erased-form.js';
export { JOURNAL_ERRORS, JournalError, type JournalErrorCode } from './errors.js';
export type { JournalIo } from './io.js';
export type { Latch } from './latches.js';
export { LOG_ID_EPOCH_MS, LogIds, logIdNode, logIdTimeMs, MAX_NODE } from './log-id.js';
export { LogTail, type TailAnswer, type UnshippedLog } from './log-tail.js';
export { type Pruned, type PruneOptions, pruneShipped } from './prune.js';
export {
  type JournalEntry,
  type JournalFault,
  JournalReader,
  type Position,
  type ReadLimit,
  readJournal,
} from './reader.js';
export type * from './records.js';
export { LOOP_CALL, RECORD_VERSION } from './records.js';
export type { MayKeepText } from './scrub.js';
export type { SegmentHeader } from './segment.js';
export { threadedIo } from './threaded-io.js';
export { JournalWriter, type JournalWriterOptions, type WriterState } from './writer.js';
