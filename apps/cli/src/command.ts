import {
  type Environment,
  helpText,
  type OptionFault,
  type OptionTable,
  readOptions,
  type Values,
} from '@sinew/config';
import { UsageError } from './failure.js';

/** What a command sees of the world; tests hand in their own. */
export interface Terminal {
  readonly env: Environment;
  readonly isTty: boolean;
  /** One line on stdout: the result. */
  out(line: string): void;
  /** One line on stderr: progress and trouble. */
  err(line: string): void;
}

export interface Command {
  readonly name: string;
  readonly summary: string;
  /** After `sinew`: `keys create NAME`. */
  readonly usage: readonly string[];
  readonly options: OptionTable;
  run(argv: readonly string[], terminal: Terminal): Promise<number>;
}

interface Definition<T extends OptionTable> {
  readonly name: string;
  readonly summary: string;
  readonly usage: readonly string[];
  readonly options: T;
  /** `rest`: the positional words. Resolves with the exit code. */
  run(values: Values<T>, rest: readonly string[], terminal: Terminal): Promise<number>;
}

/** A command whose `run` gets typed values; everything typed wrongly is reported together, before it runs. */
export function defineCommand<const T extends OptionTable>(definition: Definition<T>): Command {
  return {
    ...definition,
    run(argv, terminal) {
      const { values, rest, errors } = readOptions(definition.options, { argv, env: terminal.env });
      refuse(errors, definition.name);
      return definition.run(values, rest, terminal);
    },
  };
}

export function refuse(faults: readonly OptionFault[], command: string): void {
  if (faults.length === 0) return;
  throw new UsageError(faults.map((fault) => fault.message).join('\n'), [
    `sinew ${command} --help lists what there is`,
  ]);
}

export function commandHelp(command: Command): string {
  const usage = command.usage.map((line, i) => `${i === 0 ? 'usage: ' : '       '}sinew ${line}`);
  const options = Object.keys(command.options).length === 0 ? [] : ['', 'options:', helpText(command.options)];
  return [command.summary, '', ...usage, ...options].join('\n');
}

/** The part of a table that a command takes. */
export function pick<T extends OptionTable, K extends keyof T>(table: T, ...names: K[]): Pick<T, K> {
  return Object.fromEntries(names.map((name) => [name, table[name]])) as Pick<T, K>;
}

/** For commands without positional words: one is a mistake, not to be ignored. */
export function noWords(rest: readonly string[], command: string): void {
  if (rest.length > 0) throw new UsageError(`sinew ${command} takes no "${rest[0]}"`, [`sinew ${command} --help`]);
}
