import { numberText, spreadText } from '../figure-table.js';
import { type BenchResult, type Figure, isMet } from '../result.js';
import { escapeHtml } from './escape-html.js';
import { plotHtml } from './plot.js';
import { STYLE } from './style.js';

export interface Source {
  readonly file: string;
  readonly result: BenchResult;
}

/** One self-contained page: it has no script and may load nothing. */
export function pageHtml(sources: readonly Source[], title: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${escapeHtml(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<a class="skip" href="#goals">To the goals</a>
<header>
<h1>${escapeHtml(title)}</h1>
${contents(sources)}
</header>
<main>
${goals(sources)}
${sources.map(section).join('\n')}
</main>
</body>
</html>
`;
}

const idOf = (index: number): string => `run-${index + 1}`;
const headingOf = ({ result: { bench, at } }: Source): string => `${bench}, ${at.slice(0, 16).replace('T', ' ')} UTC`;

function contents(sources: readonly Source[]): string {
  const items = sources.map((source, i) => `<li><a href="#${idOf(i)}">${escapeHtml(headingOf(source))}</a></li>`);
  return `<nav aria-label="Runs"><ol>${items.join('')}</ol></nav>`;
}

function goals(sources: readonly Source[]): string {
  const judged = sources.flatMap((source, index) =>
    source.result.figures.filter(({ goal }) => goal !== undefined).map((figure) => ({ figure, source, index })),
  );
  if (judged.length === 0) return '<h2 id="goals">Goals</h2>\n<p>No figure of these runs has a goal.</p>';
  const missed = judged.filter(({ figure }) => !met(figure)).length;
  const rows = judged.map(
    ({ figure, source, index }) =>
      `<tr><td>${escapeHtml(figure.label)}</td><td class="number">${numberText(figure.value)}</td><td>${escapeHtml(figure.unit)}</td><td>${goalHtml(figure)}</td><td><a href="#${idOf(index)}">${escapeHtml(headingOf(source))}</a></td></tr>`,
  );
  return `<h2 id="goals">Goals: ${judged.length - missed} met, ${missed} missed</h2>
<div class="scroll" tabindex="0" role="region" aria-label="Goals"><table><thead><tr><th scope="col">figure</th><th scope="col" class="number">value</th><th scope="col">unit</th><th scope="col">goal</th><th scope="col">run</th></tr></thead>
<tbody>${rows.join('\n')}</tbody></table></div>`;
}

function section({ file, result }: Source, index: number): string {
  const { figures, series = [], notes = [] } = result;
  const plots = series.map((each, i) => plotHtml(each, `${idOf(index)}-plot-${i + 1}`));
  return `<section id="${idOf(index)}" aria-labelledby="${idOf(index)}-heading">
<h2 id="${idOf(index)}-heading">${escapeHtml(headingOf({ file, result }))}</h2>
${circumstances(file, result)}
${notes.length === 0 ? '' : `<ul>${notes.map((note) => `<li>${escapeHtml(note)}</li>`).join('')}</ul>`}
${figureRows(figures, index)}
${plots.join('\n')}
</section>`;
}

function circumstances(file: string, result: BenchResult): string {
  const { machine, load_average, duration_s } = result;
  const percent = (share: number | null | undefined): string =>
    share === null || share === undefined ? 'not told' : `${(100 * share).toFixed(1)} %`;
  const rows: [string, string][] = [
    ['command', `<code>${escapeHtml(result.command)}</code>`],
    ['machine', escapeHtml(`${machine.cpu}, ${machine.cores} cores, Node ${machine.node}, ${machine.system}`)],
    [
      'noise',
      `${percent(machine.busy_share)} of the processor busy, ${percent(machine.steal_share)} taken by the host; load average ${load_average.join(', ')}`,
    ],
    ['took', `${numberText(duration_s)} s`],
    ['file', escapeHtml(file)],
  ];
  return `<dl>${rows.map(([name, html]) => `<dt>${name}</dt><dd>${html}</dd>`).join('')}</dl>`;
}

function figureRows(figures: readonly Figure[], index: number): string {
  const rows = figures.map(
    (figure) =>
      `<tr><td>${escapeHtml(figure.label)}</td><td class="number">${numberText(figure.value)}</td><td>${escapeHtml(figure.unit)}</td><td>${roundsHtml(figure)}</td><td>${goalHtml(figure)}</td></tr>`,
  );
  return `<div class="scroll" tabindex="0" role="region" aria-label="Figures of run ${index + 1}"><table><thead><tr><th scope="col">figure</th><th scope="col" class="number">value</th><th scope="col">unit</th><th scope="col">rounds, least to most</th><th scope="col">goal</th></tr></thead>
<tbody>${rows.join('\n')}</tbody></table></div>`;
}

/** Every round as a dot between the least and the most, the figure's value as a stroke. */
function roundsHtml(figure: Figure): string {
  const { rounds, value } = figure;
  if (rounds === undefined || rounds.length < 2) return '';
  const [low, high] = [Math.min(value, ...rounds), Math.max(value, ...rounds)];
  const at = (each: number): string => (6 + (high === low ? 0.5 : (each - low) / (high - low)) * 98).toFixed(1);
  const dots = rounds.map((round) => `<circle cx="${at(round)}" cy="7" r="3"/>`).join('');
  return `<svg class="rounds" viewBox="0 0 110 14" aria-hidden="true"><line x1="6" x2="104" y1="7" y2="7"/>${dots}<line class="middle" x1="${at(value)}" x2="${at(value)}" y1="1" y2="13"/></svg> ${escapeHtml(spreadText(figure))}`;
}

const met = ({ goal, value }: Figure): boolean => goal === undefined || isMet(goal, value);

function goalHtml(figure: Figure): string {
  const { goal } = figure;
  if (goal === undefined) return '';
  const bound = `${goal.op === '<=' ? '≤' : '≥'} ${numberText(goal.value)}`;
  return met(figure) ? `${bound} <span class="met">✓ met</span>` : `${bound} <span class="missed">✗ missed</span>`;
}
