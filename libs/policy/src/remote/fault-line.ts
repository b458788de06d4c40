const MAX_LENGTH = 300;
/** How Python names an exception, at the end of its traceback: `ValueError: bad luck`. */
const EXCEPTION = /^[A-Za-z_][\w.]*(?:: .*)?$/;

/** What went wrong, in one line of a bounded length: it goes into logs, metrics and answers. Of a traceback, the exception. */
export function faultLine(text: string): string {
  const lines = text.trim().split('\n');
  const exception = text.includes('Traceback (most recent call last)')
    ? lines.findLast((line) => EXCEPTION.test(line) && !line.endsWith(':'))
    : undefined;
  const line = (exception ?? lines[0] ?? '').trim();
  return line.length > MAX_LENGTH ? `${line.slice(0, MAX_LENGTH - 1)}…` : line;
}

export function reasonOf(error: unknown): string {
  return faultLine(error instanceof Error ? error.message || error.name : String(error));
}
