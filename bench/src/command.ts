import { helpText, type OptionTable, readOptions, type Values } from '@sinew/config';

/** A mistake of the caller, or a run that could not be measured: one line on stderr, no stack trace. */
export class BenchError extends Error {
  override readonly name = 'BenchError';
}

export interface Command {
  readonly summary: string;
  readonly options: OptionTable;
  /** Resolves with the result, which is printed: as one line of JSON, or by `show` for people. */
  run(argv: readonly string[]): Promise<Outcome>;
}

export interface Outcome {
  readonly result: object;
  readonly lines: readonly string[];
  readonly json: boolean;
}

interface Definition<T extends OptionTable, R extends object> {
  readonly summary: string;
  readonly options: T;
  readonly measure: (values: Values<T>) => Promise<R>;
  readonly show: (result: R) => readonly string[];
}

const JSON_OPTION = {
  json: { type: 'boolean', default: false, help: 'print one line of JSON instead of text' },
} as const satisfies OptionTable;

export function defineCommand<T extends OptionTable, R extends object>(definition: Definition<T, R>): Command {
  const options = { ...definition.options, ...JSON_OPTION };
  return {
    summary: definition.summary,
    options,
    async run(argv) {
      const { values, rest, errors } = readOptions(options, { argv, env: process.env });
      const faults = [...errors.map(({ message }) => message), ...rest.map((word) => `${word} is not understood`)];
      if (faults.length > 0) throw new BenchError(faults.join('\n'));
      const result = await definition.measure(values as Values<T>);
      return { result, lines: definition.show(result), json: (values as { json: boolean }).json };
    },
  };
}

export function commandHelp(name: string, command: Command): string {
  return [`usage: npm run bench -- ${name} [options]`, '', command.summary, '', helpText(command.options)].join('\n');
}

/** Progress of a long run: stderr, so that stdout holds nothing but the result. */
export function progress(line: string): void {
  process.stderr.write(`bench: ${line}\n`);
}
