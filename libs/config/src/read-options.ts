import { resolve } from 'node:path';
import { nearestName } from './nearest-name.js';
import { allowedText, defaultOf, envOf, flagOf, type Option, type OptionTable, type Values } from './option.js';

export interface OptionFault {
  /** What the person typed: `--port` or `SINEW_PORT`. */
  readonly name: string;
  /** A whole sentence, with what is allowed. */
  readonly message: string;
}

export interface ReadOptions<T extends OptionTable> {
  /** Complete even when there are faults (the default stands in), so that a caller can still report well. */
  readonly values: Values<T>;
  /** Positional arguments, in order. */
  readonly rest: readonly string[];
  readonly errors: readonly OptionFault[];
  /** Which options were given, by flag or by environment, rather than left at their default. */
  readonly given: ReadonlySet<keyof T>;
}

export type Environment = Readonly<Record<string, string | undefined>>;

export interface Source {
  readonly argv?: readonly string[];
  readonly env: Environment;
}

/**
 * Reads a table of options: a flag wins over the environment, which wins over the default. Flags are `--x-y value`,
 * `--x-y=value`, and for booleans also `--x-y` and `--no-x-y`. An empty environment variable counts as not set.
 */
export function readOptions<T extends OptionTable>(table: T, { argv = [], env }: Source): ReadOptions<T> {
  const values: Record<string, unknown> = {};
  const errors: OptionFault[] = [];
  const given = new Set<keyof T>();

  const set = (name: string, option: Option, shown: string, text: string): void => {
    const parsed = parse(option, text);
    if (parsed === undefined) {
      errors.push({ name: shown, message: `${shown} must be ${allowedText(option)}${received(option, text)}` });
      return;
    }
    values[name] = parsed;
    given.add(name);
  };

  for (const [name, option] of Object.entries(table)) {
    values[name] = defaultOf(option);
    const text = env[envOf(name, option)];
    if (text !== undefined && text !== '') set(name, option, envOf(name, option), text);
  }
  const { rest } = walkFlags(table, argv, set, errors);
  return { values: values as Values<T>, rest, errors, given };
}

type Setter = (name: string, option: Option, shown: string, text: string) => void;

function walkFlags(
  table: OptionTable,
  argv: readonly string[],
  set: Setter,
  errors: OptionFault[],
): { rest: readonly string[] } {
  const byFlag = new Map(Object.entries(table).map(([name, option]) => [flagOf(name), { name, option }]));
  const rest: string[] = [];
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i] ?? '';
    if (word === '--') return { rest: [...rest, ...argv.slice(i + 1)] };
    if (!word.startsWith('--')) {
      rest.push(word);
      continue;
    }
    const equals = word.indexOf('=');
    const flag = equals < 0 ? word : word.slice(0, equals);
    const inline = equals < 0 ? undefined : word.slice(equals + 1);
    const negated = flag.startsWith('--no-') ? byFlag.get(`--${flag.slice(5)}`) : undefined;
    const found = byFlag.get(flag);
    if (found === undefined && negated?.option.type === 'boolean' && inline === undefined) {
      set(negated.name, negated.option, flag, 'false');
    } else if (found === undefined) {
      errors.push(unknownFlag(flag, [...byFlag.keys()]));
      // The word after an unknown flag is most likely its value, not a positional argument.
      if (inline === undefined && argv[i + 1] !== undefined && !argv[i + 1]?.startsWith('--')) i++;
    } else if (found.option.type === 'boolean') {
      set(found.name, found.option, flag, inline ?? 'true');
    } else {
      const next = argv[i + 1];
      const text = inline ?? (next === undefined || next.startsWith('--') ? undefined : next);
      if (text === undefined) {
        errors.push({ name: flag, message: `${flag} needs a value: ${allowedText(found.option)}` });
        continue;
      }
      if (inline === undefined) i++;
      set(found.name, found.option, flag, text);
    }
  }
  return { rest };
}

function unknownFlag(flag: string, known: readonly string[]): OptionFault {
  const near = nearestName(flag, known);
  return { name: flag, message: `${flag} is not known here${near === undefined ? '' : `; did you mean ${near}?`}` };
}

/** Secrets are never repeated: an error message ends up in logs. */
const received = (option: Option, text: string): string =>
  option.secret === true ? '' : `, not ${JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text)}`;

function parse(option: Option, text: string): unknown {
  switch (option.type) {
    case 'integer':
    case 'number': {
      const value = text.trim() === '' ? Number.NaN : Number(text);
      if (!Number.isFinite(value) || (option.type === 'integer' && !Number.isSafeInteger(value))) return undefined;
      if (option.min !== undefined && value < option.min) return undefined;
      return option.max !== undefined && value > option.max ? undefined : value;
    }
    case 'boolean':
      if (['true', '1', 'yes', 'on'].includes(text.toLowerCase())) return true;
      return ['false', '0', 'no', 'off'].includes(text.toLowerCase()) ? false : undefined;
    case 'choice':
      return option.choices.includes(text) ? text : undefined;
    case 'url':
      return URL.canParse(text) && option.protocols.includes(new URL(text).protocol) ? text : undefined;
    case 'list': {
      const items = text.split(',').map((item) => item.trim());
      return items.every((item) => item !== '') ? items : undefined;
    }
    case 'path':
      return text === '' ? undefined : resolve(text);
    case 'string':
      return text === '' ? undefined : text;
  }
}
