// Every way the journal says no, with what to do about it.
export const JOURNAL_ERRORS = {
  locked: 'Another live process holds this folder. Stop it, or use a folder of your own.',
  lock_lost: 'Another process took the lock of this folder. Stop one of them, then restart.',
  write_failed: 'The disk refuses writes. Free space or replace it; the journal retries by itself.',
  backlog_full: 'The disk has refused writes for so long that not even events fit into memory. Hold every robot.',
  record_too_large: 'A record is above the limit of one frame. Split it.',
  closed: 'The journal is closed. This is a fault of the caller.',
  bad_segment: 'A segment file is not one of this journal. Move it away.',
} as const;

export type JournalErrorCode = keyof typeof JOURNAL_ERRORS;

export class JournalError extends Error {
  override readonly name = 'JournalError';
  readonly code: JournalErrorCode;

  constructor(code: JournalErrorCode, detail: string, options?: ErrorOptions) {
    super(`${detail}. ${JOURNAL_ERRORS[code]}`, options);
    this.code = code;
  }
}

/** `ENOSPC` and the like; `unknown` for what is no system error. */
export function systemCode(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'unknown';
}
