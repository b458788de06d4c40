import { z } from 'zod';

// What every command prints with `--json`, one line of it, and what `report` and `compare` read.

const number = z.number();

const figureSchema = z.object({
  /** Stable and dotted, e.g. `peers.null.sinew.frames_per_s`: `compare` joins by it. */
  name: z.string().min(1),
  label: z.string(),
  unit: z.string(),
  better: z.enum(['lower', 'higher', 'neither']),
  value: number,
  /** The same figure measured again in this run: what it varies by. */
  rounds: z.array(number).readonly().optional(),
  goal: z
    .object({ op: z.enum(['<=', '>=']), value: number })
    .readonly()
    .optional(),
});

const axisSchema = z.object({ label: z.string(), unit: z.string().optional(), log: z.boolean().optional() });

const seriesSchema = z.object({
  name: z.string().min(1),
  title: z.string(),
  x: axisSchema.readonly(),
  y: axisSchema.readonly(),
  lines: z
    .array(z.object({ label: z.string(), points: z.array(z.tuple([number, number]).readonly()).readonly() }).readonly())
    .readonly(),
});

const machineSchema = z.object({
  date: z.string(),
  cpu: z.string(),
  cores: number,
  node: z.string(),
  system: z.string(),
  steal_share: number.nullish(),
  busy_share: number.nullish(),
});

export const resultSchema = z.object({
  bench: z.string().min(1),
  format: z.literal(1),
  /** When it began, ISO 8601. */
  at: z.string(),
  /** What can be typed again, without secrets. */
  command: z.string(),
  machine: machineSchema.readonly(),
  /** Over 1, 5 and 15 minutes, at the end. */
  load_average: z.array(number).readonly(),
  duration_s: number,
  figures: z.array(figureSchema.readonly()).readonly(),
  series: z.array(seriesSchema.readonly()).readonly().optional(),
  notes: z.array(z.string()).readonly().optional(),
  /** The command's own fields. */
  details: z.unknown().optional(),
});

export type BenchResult = Readonly<z.infer<typeof resultSchema>>;
export type Figure = Readonly<z.infer<typeof figureSchema>>;
export type Goal = NonNullable<Figure['goal']>;
export type Series = Readonly<z.infer<typeof seriesSchema>>;

/** What a command found: the rest of its result is the same for all. */
export interface Findings {
  readonly figures: readonly Figure[];
  readonly series?: readonly Series[];
  readonly notes?: readonly string[];
}

export function isMet({ op, value: bound }: Goal, value: number): boolean {
  return op === '<=' ? value <= bound : value >= bound;
}

export type Read =
  | { readonly ok: true; readonly results: readonly BenchResult[] }
  | { readonly ok: false; readonly reason: string };

/**
 * The results in a file: every line that is a JSON object. A file may hold several runs, one a line, and what npm printed
 * before the first of them.
 */
export function parseResults(text: string): Read {
  const results: BenchResult[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    if (!line.trimStart().startsWith('{')) continue;
    const at = `line ${index + 1}`;
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch (error) {
      return { ok: false, reason: `${at} is not JSON: ${(error as Error).message}` };
    }
    const parsed = resultSchema.safeParse(value);
    if (!parsed.success) {
      const [issue] = parsed.error.issues;
      return { ok: false, reason: `${at} is no result of a bench: ${issue?.path.join('.')}: ${issue?.message}` };
    }
    results.push(parsed.data);
  }
  if (results.length === 0) return { ok: false, reason: 'no line of it is a result: was it written with --json?' };
  return { ok: true, results };
}
