/**
 * One option of a command or one setting of the service, as data. Flags, environment names, `--help` and the README's
 * table are all derived from it, so that they cannot disagree. `null` as default means "not set".
 */
interface Described<Value> {
  readonly help: string;
  readonly default: Value | Computed<Value>;
  /** Environment variable, where it is not `SINEW_` + the name in capitals. */
  readonly env?: string;
  /** Never printed: not in errors, not in dumps. */
  readonly secret?: true;
}

/** A default that depends on the machine; `text` is what help and README show for it. */
export interface Computed<Value> {
  readonly text: string;
  readonly value: () => Value;
}

interface Bounds {
  readonly min?: number;
  readonly max?: number;
}

export type Option =
  | (Described<string | null> & { readonly type: 'string' })
  /** Made absolute when read, so that every process sees the same folder. */
  | (Described<string | null> & { readonly type: 'path' })
  | (Described<string | null> & { readonly type: 'url'; readonly protocols: readonly string[] })
  | (Described<string | null> & { readonly type: 'choice'; readonly choices: readonly string[] })
  /** Comma-separated. */
  | (Described<readonly string[]> & { readonly type: 'list' })
  | (Described<number | null> & Bounds & { readonly type: 'integer' })
  | (Described<number | null> & Bounds & { readonly type: 'number' })
  | (Described<boolean> & { readonly type: 'boolean' });

export type OptionTable = Readonly<Record<string, Option>>;

type Plain<O extends Option> = O extends { type: 'choice'; choices: readonly (infer C)[] }
  ? C
  : O extends { type: 'list' }
    ? readonly string[]
    : O extends { type: 'integer' | 'number' }
      ? number
      : O extends { type: 'boolean' }
        ? boolean
        : string;

type Unset<O extends Option> = null extends O['default'] ? null : never;

/** The values a table yields, by option name. */
export type Values<T extends OptionTable> = { readonly [K in keyof T]: Plain<T[K]> | Unset<T[K]> };

/** `batch_max` → `--batch-max` */
export const flagOf = (name: string): string => `--${name.replaceAll('_', '-')}`;

/** `batch_max` → `SINEW_BATCH_MAX`, unless the option names its own variable. */
export const envOf = (name: string, option: Option): string => option.env ?? `SINEW_${name.toUpperCase()}`;

export function defaultOf(option: Option): unknown {
  const given: unknown = option.default;
  return isComputed(given) ? given.value() : given;
}

/** The default as people read it; empty where there is none. */
export function defaultText(option: Option): string {
  const given: unknown = option.default;
  if (isComputed(given)) return given.text;
  if (given === null) return '';
  return Array.isArray(given) ? given.join(',') : String(given);
}

/** What the option accepts, in words: for help and for errors. */
export function allowedText(option: Option): string {
  switch (option.type) {
    case 'integer':
    case 'number':
      return `${option.type === 'integer' ? 'a whole number' : 'a number'}${rangeText(option)}`;
    case 'boolean':
      return 'true or false';
    case 'choice':
      return `one of ${option.choices.join(', ')}`;
    case 'url':
      return `a URL starting with ${option.protocols.map((p) => `${p}//`).join(' or ')}`;
    case 'list':
      return 'a comma-separated list';
    case 'path':
      return 'a path';
    case 'string':
      return 'text';
  }
}

function rangeText({ min, max }: Bounds): string {
  if (min !== undefined && max !== undefined) return ` from ${min} to ${max}`;
  if (min !== undefined) return ` of at least ${min}`;
  return max !== undefined ? ` of at most ${max}` : '';
}

const isComputed = (value: unknown): value is Computed<unknown> =>
  typeof value === 'object' && value !== null && 'value' in value && 'text' in value;
