import { writeFile } from 'node:fs/promises';
import { basename } from 'node:path';
import type { OptionTable, Values } from '@sinew/config';
import { BenchError, defineTool } from '../command.js';
import { readResults } from '../read-results.js';
import { isMet } from '../result.js';
import { pageHtml, type Source } from './page.js';

const OPTIONS = {
  out: { type: 'path', default: null, help: 'the page to write; what is there is replaced' },
  title: { type: 'string', default: 'Sinew benchmarks', help: 'its heading' },
} as const satisfies OptionTable;

interface Written {
  readonly out: string;
  readonly runs: number;
  readonly goals: { readonly met: number; readonly missed: number };
}

async function work({ out, title }: Values<typeof OPTIONS>, files: readonly string[]): Promise<Written> {
  if (files.length === 0) throw new BenchError('at least one file of results is needed');
  if (out === null) throw new BenchError('--out is needed: the page to write');
  const sources: Source[] = [];
  for (const file of files) {
    for (const result of await readResults(file)) sources.push({ file: basename(file), result });
  }
  await writeFile(out, pageHtml(sources, title ?? ''));
  const judged = sources.flatMap(({ result }) =>
    result.figures.flatMap(({ goal, value }) => (goal === undefined ? [] : [isMet(goal, value)])),
  );
  const met = judged.filter(Boolean).length;
  return { out, runs: sources.length, goals: { met, missed: judged.length - met } };
}

export const report = defineTool({
  summary: 'One self-contained HTML page of results: figures against their goals, plots, machine, command and noise.',
  operands: 'A.json …',
  options: OPTIONS,
  work,
  show: ({ out, runs, goals }) => [
    `${runs} runs; goals: ${goals.met} met, ${goals.missed} missed`,
    `written to ${out}`,
  ],
});
