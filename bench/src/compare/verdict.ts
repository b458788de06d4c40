import type { BenchResult, Figure } from '../result.js';
import { median } from '../stats/median.js';
import { canTell, shiftInterval } from './shift-interval.js';

export type Verdict = 'better' | 'worse' | 'changed' | 'same' | 'cannot tell';

/** Of figures that did not change, at most this share is called better or worse. */
export const FALSE_VERDICTS = 0.01;

export interface Compared {
  readonly name: string;
  readonly label: string;
  readonly unit: string;
  readonly verdict: Verdict;
  readonly a: number;
  readonly b: number;
  /** b over a where both are positive throughout, else b − a; and between what it lies. Null where too little was measured. */
  readonly change: {
    readonly kind: 'ratio' | 'difference';
    readonly value: number;
    readonly low: number;
    readonly high: number;
  } | null;
  /** What the samples are: whole runs, or the rounds of one run, and how many of each file. */
  readonly basis: { readonly of: 'runs' | 'rounds'; readonly a: number; readonly b: number };
}

/** Every figure that stands in both, in the order of the first. */
export function compareResults(
  a: readonly BenchResult[],
  b: readonly BenchResult[],
  tolerance: number,
): readonly Compared[] {
  const left = figuresOf(a);
  const right = figuresOf(b);
  return [...left].flatMap(([name, first]) => {
    const second = right.get(name);
    return second === undefined ? [] : [compareFigure(first, second, tolerance)];
  });
}

export function compareFigure(a: readonly Figure[], b: readonly Figure[], tolerance: number): Compared {
  const { name, label, unit, better } = a[0] as Figure;
  const { of, left, right } = samples(a, b);
  const middleOf = (figures: readonly Figure[]): number => median(figures.map(({ value }) => value));
  const shared = { name, label, unit, a: middleOf(a), b: middleOf(b), basis: { of, a: left.length, b: right.length } };
  if (!canTell(left.length, right.length, FALSE_VERDICTS)) return { ...shared, verdict: 'cannot tell', change: null };
  const positive = [...left, ...right].every((value) => value > 0);
  const scale = positive ? Math.log : (value: number) => value;
  const back = positive ? Math.exp : (value: number) => value;
  const { estimate, low, high } = shiftInterval(left.map(scale), right.map(scale), FALSE_VERDICTS);
  const change = {
    kind: positive ? ('ratio' as const) : ('difference' as const),
    value: back(estimate),
    low: back(low),
    high: back(high),
  };
  const band = positive ? Math.log1p(tolerance) : tolerance * Math.abs(median(left));
  // A change too small to matter is none, however sure it is.
  if (-band <= low && high <= band) return { ...shared, verdict: 'same', change };
  if (low <= 0 && high >= 0) return { ...shared, verdict: 'cannot tell', change };
  if (better === 'neither') return { ...shared, verdict: 'changed', change };
  return { ...shared, verdict: low > 0 === (better === 'higher') ? 'better' : 'worse', change };
}

/** Whole runs where both files have enough of them: rounds of one run share what was particular to that run. */
function samples(a: readonly Figure[], b: readonly Figure[]) {
  const values = (figures: readonly Figure[]): number[] => figures.map(({ value }) => value);
  const rounds = (figures: readonly Figure[]): readonly number[] => figures.flatMap((figure) => figure.rounds ?? []);
  if (canTell(a.length, b.length, FALSE_VERDICTS)) return { of: 'runs' as const, left: values(a), right: values(b) };
  const [left, right] = [rounds(a), rounds(b)];
  if (left.length === 0 || right.length === 0) return { of: 'runs' as const, left: values(a), right: values(b) };
  return { of: 'rounds' as const, left, right };
}

function figuresOf(results: readonly BenchResult[]): Map<string, Figure[]> {
  const byName = new Map<string, Figure[]>();
  for (const { figures } of results) {
    for (const figure of figures) byName.set(figure.name, [...(byName.get(figure.name) ?? []), figure]);
  }
  return byName;
}
