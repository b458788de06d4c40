/** What every server of `peers` prints once it listens, as one line of JSON on stdout. */
export interface ServerLine {
  readonly port: number;
  /** What it is made of, for the reader of the figures. */
  readonly versions: Readonly<Record<string, string>>;
}

export function sayListening(line: ServerLine): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

/** Ends with the bench, whose end of stdin closes. */
export function onBenchGone(stop: () => void): void {
  process.stdin.on('end', stop).on('error', stop).resume();
}
