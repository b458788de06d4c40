import type { OptionTable, Values } from '@sinew/config';
import { BenchError, defineTool } from '../command.js';
import { numberText } from '../figure-table.js';
import { readResults } from '../read-results.js';
import type { BenchResult } from '../result.js';
import { type Compared, compareResults, FALSE_VERDICTS } from './verdict.js';

const OPTIONS = {
  tolerance: {
    type: 'number',
    default: 0.05,
    min: 0,
    max: 1,
    help: 'a change by less than this share is called the same',
  },
  fail_on_worse: { type: 'boolean', default: false, help: 'exit code 1 where a figure is worse' },
} as const satisfies OptionTable;

interface Comparison {
  readonly a: string;
  readonly b: string;
  readonly tolerance: number;
  readonly false_verdicts: number;
  readonly figures: readonly Compared[];
  readonly notes: readonly string[];
}

async function work({ tolerance }: Values<typeof OPTIONS>, operands: readonly string[]): Promise<Comparison> {
  const [a, b, ...more] = operands;
  if (a === undefined || b === undefined || more.length > 0)
    throw new BenchError('two files are needed: A.json B.json');
  const [first, second] = [await readResults(a), await readResults(b)];
  const figures = compareResults(first, second, tolerance);
  if (figures.length === 0) throw new BenchError(`${a} and ${b} have no figure in common`);
  return { a, b, tolerance, false_verdicts: FALSE_VERDICTS, figures, notes: differences(first, second) };
}

/** What was not alike beside what is compared. */
function differences(a: readonly BenchResult[], b: readonly BenchResult[]): string[] {
  const notes: string[] = [];
  const all = (results: readonly BenchResult[], of: (result: BenchResult) => string): string =>
    [...new Set(results.map(of))].sort().join('; ');
  const alike = (what: string, of: (result: BenchResult) => string): void => {
    const [left, right] = [all(a, of), all(b, of)];
    if (left !== right) notes.push(`not the same ${what}: ${left} | ${right}`);
  };
  alike('machine', ({ machine: { cpu, cores, node, system } }) => `${cpu}, ${cores} cores, Node ${node}, ${system}`);
  alike('command', ({ command }) => command);
  for (const [which, here, there] of [
    ['A', a, b],
    ['B', b, a],
  ] as const) {
    const names = (results: readonly BenchResult[]) =>
      new Set(results.flatMap(({ figures }) => figures.map((f) => f.name)));
    const others = names(there);
    const missing = [...names(here)].filter((name) => !others.has(name));
    if (missing.length > 0) notes.push(`only in ${which}, and not compared: ${missing.join(', ')}`);
  }
  const stolen = [...a, ...b].filter(({ machine }) => (machine.steal_share ?? 0) > 0.02).length;
  if (stolen > 0) notes.push(`in ${stolen} of the runs the host took more than 2 % of the processor away`);
  const busy = [...a, ...b].filter(({ machine, load_average: [last = 0] }) => last > machine.cores).length;
  if (busy > 0)
    notes.push(`in ${busy} of the runs more wanted the processors than there are: their rounds come in bursts`);
  return notes;
}

export const compare = defineTool({
  summary: 'Two files of results, figure by figure: better, worse, the same, or cannot tell, with the noise of both.',
  operands: 'A.json B.json',
  options: OPTIONS,
  work,
  exitCode: ({ figures }, { fail_on_worse }) =>
    fail_on_worse && figures.some(({ verdict }) => verdict === 'worse') ? 1 : 0,
  show: ({ a, b, figures, notes, tolerance }) => {
    const count = (wanted: string): number => figures.filter(({ verdict }) => verdict === wanted).length;
    const width = Math.max(...figures.map(({ label }) => label.length), 6);
    return [
      `A: ${a}`,
      `B: ${b}`,
      '',
      `${'figure'.padEnd(width)}  ${'A'.padStart(10)}  ${'B'.padStart(10)}          verdict      B against A`,
      ...figures.map(
        (figure) =>
          `${figure.label.padEnd(width)}  ${numberText(figure.a).padStart(10)}  ${numberText(figure.b).padStart(10)} ${figure.unit.padEnd(8)} ${figure.verdict.padEnd(12)} ${changeText(figure)}`,
      ),
      '',
      ['better', 'worse', 'changed', 'same', 'cannot tell'].map((verdict) => `${verdict} ${count(verdict)}`).join(', '),
      `An interval covers the true change in ${100 * (1 - FALSE_VERDICTS)} % of the cases; a change within ${100 * tolerance} % is called the same.`,
      'Rounds of one run share what was particular to that run: only several runs in each file (5 or more, one a line) tell of that.',
      ...notes,
    ];
  },
});

function changeText({ change, basis }: Compared): string {
  const from = `${basis.a} and ${basis.b} ${basis.of}`;
  if (change === null) return `too few: ${from}`;
  const text = (value: number): string => {
    if (!Number.isFinite(value)) return '–';
    return change.kind === 'ratio' ? `${value.toFixed(3)}×` : `${value >= 0 ? '+' : ''}${numberText(value)}`;
  };
  return `${text(change.value)} [${text(change.low)}, ${text(change.high)}] of ${from}`;
}
