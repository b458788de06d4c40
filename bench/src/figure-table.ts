import { type Figure, isMet } from './result.js';
import { round3 } from './stats/median.js';

/** Each figure on a line, with what it varied by and whether its goal was met. */
export function figureTable(figures: readonly Figure[]): string[] {
  if (figures.length === 0) return [];
  const rows = figures.map((figure) => [
    figure.label,
    numberText(figure.value),
    figure.unit,
    spreadText(figure),
    goalText(figure),
  ]);
  const heads = ['figure', 'value', '', 'rounds', 'goal'];
  const widths = heads.map((head, i) => Math.max(head.length, ...rows.map((row) => row[i]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, i) => (i === 1 ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0)))
      .join('  ')
      .trimEnd();
  return [line(heads), ...rows.map(line)];
}

export const numberText = (value: number): string => round3(value).toLocaleString('en', { maximumFractionDigits: 20 });

export function spreadText({ rounds }: Figure): string {
  if (rounds === undefined || rounds.length < 2) return '';
  return `${numberText(Math.min(...rounds))} to ${numberText(Math.max(...rounds))} (${rounds.length})`;
}

export function goalText({ goal, value }: Figure): string {
  if (goal === undefined) return '';
  return `${goal.op === '<=' ? '≤' : '≥'} ${numberText(goal.value)} ${isMet(goal, value) ? 'met' : 'MISSED'}`;
}
