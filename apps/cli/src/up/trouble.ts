const WARN = 40;
const LEVELS: Readonly<Record<number, string>> = { 40: 'warning', 50: 'error', 60: 'fatal' };
/** The same trouble of the same process is shown this often; the log file has every line. */
const REPEAT_MS = 10_000;

/** Picks from the children's log lines what a person at the terminal has to know: warnings and worse, not repeated. */
export class TroubleFilter {
  readonly #shown = new Map<string, number>();

  /** A line to show, or null. `now` in milliseconds. */
  pick(process: string, text: string, now: number): string | null {
    const line = structured(text);
    if (line === null || line.level < WARN) return null;
    const key = `${process} ${line.message}`;
    const last = this.#shown.get(key);
    if (last !== undefined && now - last < REPEAT_MS) return null;
    if (this.#shown.size > 1000) this.#shown.clear();
    this.#shown.set(key, now);
    return `${process}: ${LEVELS[line.level] ?? 'error'}: ${line.message}${line.cause === '' ? '' : ` (${line.cause})`}`;
  }
}

/** The readable part of a child's last lines: messages of structured lines, and what the runtime itself printed. */
export function readable(lines: readonly string[]): string[] {
  return lines.flatMap((text) => {
    const line = structured(text);
    if (line === null) return [text];
    return line.level < WARN ? [] : [line.cause === '' ? line.message : `${line.message}: ${line.cause}`];
  });
}

/** A line as pino writes it, or with the level's name and an `error` text instead. */
interface LogLine {
  readonly level?: unknown;
  readonly msg?: unknown;
  readonly error?: unknown;
  readonly err?: { readonly message?: unknown };
}

const NAMED: Readonly<Record<string, number>> = { trace: 10, debug: 20, info: 30, warn: 40, error: 50, fatal: 60 };

function structured(text: string): { level: number; message: string; cause: string } | null {
  if (!text.startsWith('{')) return null;
  let line: LogLine;
  try {
    line = JSON.parse(text) as LogLine;
  } catch {
    return null; // torn by a crash: shown as it is
  }
  const level = typeof line.level === 'string' ? NAMED[line.level] : line.level;
  if (typeof level !== 'number') return null;
  const message = typeof line.msg === 'string' ? line.msg : text;
  const cause = line.err?.message ?? line.error;
  return { level, message, cause: typeof cause === 'string' && cause !== message ? (cause.split('\n')[0] ?? '') : '' };
}
