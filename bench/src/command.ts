import { flagOf, helpText, type OptionTable, readOptions, type Values } from '@sinew/config';
import { figureTable } from './figure-table.js';
import { machineLine, watchMachine } from './machine.js';
import type { BenchResult, Findings } from './result.js';

/** A mistake of the caller, or a run that could not be measured: one line on stderr, no stack trace. */
export class BenchError extends Error {
  override readonly name = 'BenchError';
}

export interface Command {
  readonly summary: string;
  readonly options: OptionTable;
  /** What stands beside the options: names of files, say. */
  readonly operands?: string;
  /** `name` is what it was called by. */
  run(argv: readonly string[], name: string): Promise<Outcome>;
}

export interface Outcome {
  /** Printed with `--json`, as one line. */
  readonly result: object;
  readonly lines: readonly string[];
  readonly json: boolean;
  readonly exitCode?: number;
}

interface Definition<T extends OptionTable, R extends object> {
  readonly summary: string;
  readonly options: T;
  readonly measure: (values: Values<T>) => Promise<R>;
  /** What `report` and `compare` read of it. R itself goes out as `details`. */
  readonly findings: (result: R) => Findings;
  /** For people; below it stand the figures that have a goal. Without it all figures are a table. */
  readonly show?: (result: R) => readonly string[];
}

interface ToolDefinition<T extends OptionTable, R extends object> {
  readonly summary: string;
  readonly options: T;
  readonly operands: string;
  readonly work: (values: Values<T>, operands: readonly string[]) => Promise<R>;
  readonly show: (result: R) => readonly string[];
  readonly exitCode?: (result: R, values: Values<T>) => number;
}

const JSON_OPTION = {
  json: { type: 'boolean', default: false, help: 'print one line of JSON instead of text' },
} as const satisfies OptionTable;

/** A command that measures. */
export function defineCommand<T extends OptionTable, R extends object>(definition: Definition<T, R>): Command {
  const options = { ...definition.options, ...JSON_OPTION };
  return {
    summary: definition.summary,
    options,
    async run(argv, name) {
      const { values, rest, given } = parse(options, argv);
      if (rest.length > 0) throw new BenchError(rest.map((word) => `${word} is not understood`).join('\n'));
      const at = new Date().toISOString();
      const beganMs = performance.now();
      const machineOver = watchMachine();
      const details = await definition.measure(values as Values<T>);
      const { machine, loadAverage } = machineOver();
      const result: BenchResult = {
        bench: name,
        format: 1,
        at,
        command: commandLine(name, definition.options, values, given),
        machine,
        load_average: loadAverage,
        duration_s: Number(((performance.now() - beganMs) / 1_000).toFixed(1)),
        ...definition.findings(details),
        details,
      };
      return {
        result,
        lines: resultLines(result, definition.show?.(details)),
        json: (values as { json: boolean }).json,
      };
    },
  };
}

/** A command that works on results. */
export function defineTool<T extends OptionTable, R extends object>(definition: ToolDefinition<T, R>): Command {
  const options = { ...definition.options, ...JSON_OPTION };
  const { summary, operands, exitCode } = definition;
  return {
    summary,
    options,
    operands,
    async run(argv) {
      const { values, rest } = parse(options, argv);
      const unknown = rest.filter((word) => word.startsWith('-'));
      if (unknown.length > 0) throw new BenchError(unknown.map((word) => `${word} is not understood`).join('\n'));
      const result = await definition.work(values as Values<T>, rest);
      return {
        result,
        lines: definition.show(result),
        json: (values as { json: boolean }).json,
        ...(exitCode === undefined ? {} : { exitCode: exitCode(result, values as Values<T>) }),
      };
    },
  };
}

function parse<T extends OptionTable>(options: T, argv: readonly string[]) {
  const { values, rest, errors, given } = readOptions(options, { argv, env: process.env });
  if (errors.length > 0) throw new BenchError(errors.map(({ message }) => message).join('\n'));
  return { values, rest, given: given as ReadonlySet<string> };
}

/** What was asked for, by flags or environment, as it can be typed again; no secrets. */
function commandLine(
  name: string,
  table: OptionTable,
  values: Readonly<Record<string, unknown>>,
  given: ReadonlySet<string>,
): string {
  const words = [`npm run bench -- ${name}`];
  for (const [key, option] of Object.entries(table)) {
    if (!given.has(key)) continue;
    const value = values[key];
    if (option.secret === true) words.push(`${flagOf(key)} …`);
    else if (option.type !== 'boolean') words.push(`${flagOf(key)} ${quoted(String(value))}`);
    else words.push(value === true ? flagOf(key) : `--no-${flagOf(key).slice(2)}`);
  }
  return words.join(' ');
}

const quoted = (text: string): string => (/^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`);

function resultLines(
  { machine, load_average, figures, notes = [] }: BenchResult,
  shown: readonly string[] | undefined,
): string[] {
  const percent = (share: number | null | undefined): string =>
    share === null || share === undefined ? 'not told' : `${(100 * share).toFixed(1)} %`;
  const table = figureTable(shown === undefined ? figures : figures.filter(({ goal }) => goal !== undefined));
  return [
    ...(shown ?? [machineLine(machine)]),
    ...(table.length === 0 ? [] : ['', ...table]),
    ...(notes.length === 0 ? [] : ['', ...notes]),
    '',
    `machine busy ${percent(machine.busy_share)}, stolen by the host ${percent(machine.steal_share)}; load average ${load_average.join(' ')}`,
  ];
}

export function commandHelp(name: string, command: Command): string {
  const operands = command.operands === undefined ? '' : ` ${command.operands}`;
  return [
    `usage: npm run bench -- ${name}${operands} [options]`,
    '',
    command.summary,
    '',
    helpText(command.options),
  ].join('\n');
}

/** Progress of a long run: stderr, so that stdout holds nothing but the result. */
export function progress(line: string): void {
  process.stderr.write(`bench: ${line}\n`);
}
