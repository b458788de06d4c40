import { flagNames } from '@sinew/control';
import type { ReplayedTick } from '@sinew/replay';

const WIDTH = 10;

export function tableHead(axes: readonly { readonly name: string }[]): string {
  return `${'tick'.padStart(7)}  ${'stage'.padEnd(9)}${axes.map(({ name }) => name.padStart(WIDTH)).join('')}  flags`;
}

/** One tick: what was sent, and above it each stage that differs from the one it became. Below, the record, where it differs. */
export function tableLines(tick: ReplayedTick): string[] {
  const { blended, difference, flags, hold, n, proposed, recorded, sent, smoothed } = tick;
  const stages: [string, Float64Array][] = [];
  if (blended !== null) {
    if (proposed !== null && !same(proposed, blended)) stages.push(['proposed', proposed]);
    if (!same(blended, smoothed)) stages.push(['blended', blended]);
  }
  if (!same(smoothed, sent)) stages.push(['smoothed', smoothed]);
  stages.push([hold === null ? 'sent' : 'held', sent]);
  const lines = stages.map(
    ([name, values], i) => `${(i === 0 ? String(n) : '').padStart(7)}  ${name.padEnd(9)}${numbers(values)}`,
  );
  const words = [...(hold === null ? [] : [`[${hold}]`]), ...flagNames(flags)].join(' ');
  lines.push(`${lines.pop()}${words === '' ? '' : `  ${words}`}`);
  if (difference !== null) {
    const was = [recorded.hold === null ? '' : `[${recorded.hold}]`, ...flagNames(recorded.flags)].join(' ').trim();
    lines.push(`${''.padStart(7)}  ${'recorded'.padEnd(9)}${numbers(recorded.sent)}${was === '' ? '' : `  ${was}`}`);
  }
  return lines;
}

const numbers = (values: Float64Array): string => Array.from(values, number).join('');

function number(value: number): string {
  const text =
    Number.isFinite(value) && Math.abs(value) < 1e4 ? value.toFixed(5) : String(Number(value.toPrecision(3)));
  return text.padStart(WIDTH);
}

const same = (a: Float64Array, b: Float64Array): boolean =>
  a.length === b.length && a.every((value, i) => Object.is(value, b[i]));
