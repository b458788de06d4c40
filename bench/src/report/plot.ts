import { numberText } from '../figure-table.js';
import type { Series } from '../result.js';
import { type Scale, scaleOf } from './axis.js';
import { escapeHtml } from './escape-html.js';

const WIDTH = 720;
const HEIGHT = 320;
const MARGIN = { left: 74, right: 16, top: 12, bottom: 52 };
const INNER_WIDTH = WIDTH - MARGIN.left - MARGIN.right;
const INNER_HEIGHT = HEIGHT - MARGIN.top - MARGIN.bottom;
/** As many looks of a line as the page's style sheet has. */
const LOOKS = 8;
/** Above this many, a line has no marks at its points. */
const MARKED_POINTS = 40;

type Axis = Series['x'];
type Line = Series['lines'][number];

/** A figure of the page: the plot, its legend, and its numbers as a table for who cannot see it. */
export function plotHtml(series: Series, id: string): string {
  const visible = series.lines.map((line) => ({ ...line, points: line.points.filter(shown(series)) }));
  const x = scaleOf(
    visible.flatMap(({ points }) => points.map(([value]) => value)),
    series.x.log === true,
  );
  const y = scaleOf(
    visible.flatMap(({ points }) => points.map(([, value]) => value)),
    series.y.log === true,
  );
  const caption = escapeHtml(series.title);
  return `<figure>
<figcaption id="${id}">${caption}</figcaption>
${legend(visible)}
<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-labelledby="${id}" aria-describedby="${id}-numbers">
${axes(series, x, y)}
${visible.map((line, index) => lineSvg(line, index % LOOKS, x, y)).join('\n')}
</svg>
<details id="${id}-numbers"><summary>Numbers of this plot</summary>
${numbers(series)}
</details>
</figure>`;
}

/** A logarithm has no zero: such a point is only in the table. */
const shown =
  ({ x, y }: Series) =>
  ([a, b]: readonly [number, number]): boolean =>
    Number.isFinite(a) && Number.isFinite(b) && (x.log !== true || a > 0) && (y.log !== true || b > 0);

const atX = (scale: Scale, value: number): string => (MARGIN.left + scale.at(value) * INNER_WIDTH).toFixed(1);
const atY = (scale: Scale, value: number): string => (MARGIN.top + (1 - scale.at(value)) * INNER_HEIGHT).toFixed(1);

function axes(series: Series, x: Scale, y: Scale): string {
  const bottom = MARGIN.top + INNER_HEIGHT;
  const right = MARGIN.left + INNER_WIDTH;
  const across = y.ticks.map((value) => {
    const at = atY(y, value);
    return `<line class="grid" x1="${MARGIN.left}" x2="${right}" y1="${at}" y2="${at}"/><text x="${MARGIN.left - 8}" y="${at}" text-anchor="end" dominant-baseline="middle">${short(value)}</text>`;
  });
  const up = x.ticks.map((value) => {
    const at = atX(x, value);
    return `<line class="grid" x1="${at}" x2="${at}" y1="${MARGIN.top}" y2="${bottom}"/><text x="${at}" y="${bottom + 18}" text-anchor="middle">${short(value)}</text>`;
  });
  const middleY = MARGIN.top + INNER_HEIGHT / 2;
  return [
    ...across,
    ...up,
    `<line class="axis" x1="${MARGIN.left}" x2="${right}" y1="${bottom}" y2="${bottom}"/>`,
    `<line class="axis" x1="${MARGIN.left}" x2="${MARGIN.left}" y1="${MARGIN.top}" y2="${bottom}"/>`,
    `<text class="label" x="${MARGIN.left + INNER_WIDTH / 2}" y="${HEIGHT - 10}" text-anchor="middle">${axisText(series.x)}</text>`,
    `<text class="label" transform="translate(16 ${middleY}) rotate(-90)" text-anchor="middle">${axisText(series.y)}</text>`,
  ].join('\n');
}

function lineSvg({ label, points }: Line, look: number, x: Scale, y: Scale): string {
  const path = points.map(([a, b], i) => `${i === 0 ? 'M' : 'L'}${atX(x, a)} ${atY(y, b)}`).join('');
  const marks =
    points.length > MARKED_POINTS
      ? ''
      : points
          .map(
            ([a, b]) =>
              `<circle cx="${atX(x, a)}" cy="${atY(y, b)}" r="3"><title>${escapeHtml(label)}: ${numberText(a)}, ${numberText(b)}</title></circle>`,
          )
          .join('');
  return `<g class="line look${look}"><path d="${path}"/>${marks}</g>`;
}

/** Each look has a colour and a dash of its own: colour alone tells nobody who cannot see it. */
function legend(lines: readonly Line[]): string {
  const items = lines.map(
    ({ label }, index) =>
      `<li><svg class="key" viewBox="0 0 36 10" aria-hidden="true"><g class="line look${index % LOOKS}"><path d="M0 5L36 5"/></g></svg>${escapeHtml(label)}</li>`,
  );
  return `<ul class="legend">${items.join('')}</ul>`;
}

function numbers({ x, y, lines }: Series): string {
  const rows = lines.flatMap(({ label, points }) =>
    points.map(([a, b]) => `<tr><td>${escapeHtml(label)}</td><td>${numberText(a)}</td><td>${numberText(b)}</td></tr>`),
  );
  return `<table><thead><tr><th scope="col">line</th><th scope="col">${axisText(x)}</th><th scope="col">${axisText(y)}</th></tr></thead><tbody>${rows.join('')}</tbody></table>`;
}

const axisText = ({ label, unit }: Axis): string => escapeHtml(unit === undefined ? label : `${label} (${unit})`);

/** 12,000 is 12k, 3,000,000 is 3M: the axis has little room. */
function short(value: number): string {
  const size = Math.abs(value);
  if (size >= 1e9) return `${Number((value / 1e9).toPrecision(4))}G`;
  if (size >= 1e6) return `${Number((value / 1e6).toPrecision(4))}M`;
  if (size >= 1e4) return `${Number((value / 1e3).toPrecision(4))}k`;
  return String(Number(value.toPrecision(6)));
}
