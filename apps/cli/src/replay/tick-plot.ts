import { CLAMP_FLAGS, flagNames } from '@sinew/control';
import type { ReplayedTick } from '@sinew/replay';

const STAGES = [
  ['proposed', '#9aa0a6', 1],
  ['blended', '#e69f00', 1],
  ['smoothed', '#56b4e9', 1.2],
  ['sent', '#111', 1.4],
] as const;
const WIDTH = 1200;
const LEFT = 110;
const PLOT = WIDTH - LEFT - 20;
const PANEL = 120;
const GAP = 26;
const TOP = 74;
/** More ticks than this a plot cannot show: each column then shows the least and the greatest of its ticks. */
const COLUMNS = PLOT;

interface Axis {
  readonly name: string;
  readonly unit: string;
}

/** The ticks of one session as an SVG file without anything from outside: a panel an axis, four lines, holds shaded, flags marked. */
export function plot(title: string, axes: readonly Axis[], ticks: readonly ReplayedTick[]): string {
  const height = TOP + axes.length * (PANEL + GAP) + 50;
  const x = scale(ticks.length);
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="11">`,
    `<rect width="${WIDTH}" height="${height}" fill="#fff"/>`,
    `<text x="${LEFT}" y="22" font-size="14">${escaped(title)}</text>`,
    legend(),
  ];
  for (const [i, axis] of axes.entries()) parts.push(panel(axis, i, ticks, x));
  parts.push(ruler(ticks, x, height - 34), '</svg>');
  return `${parts.join('\n')}\n`;
}

type Scale = (index: number) => number;

/** From a tick's place in the list to its horizontal place: numbers may begin again with an episode. */
const scale =
  (count: number): Scale =>
  (index) =>
    LEFT + (PLOT * (index + 0.5)) / Math.max(1, count);

function legend(): string {
  const items = STAGES.map(
    ([name, colour], i) =>
      `<line x1="${LEFT + i * 110}" x2="${LEFT + i * 110 + 24}" y1="42" y2="42" stroke="${colour}" stroke-width="2"/>` +
      `<text x="${LEFT + i * 110 + 30}" y="46">${name}</text>`,
  );
  const at = LEFT + STAGES.length * 110;
  return [
    ...items,
    `<rect x="${at}" y="36" width="24" height="12" fill="#f3c6c6"/><text x="${at + 30}" y="46">hold</text>`,
    `<circle cx="${at + 86}" cy="42" r="3" fill="#d55e00"/><text x="${at + 96}" y="46">clamped or flagged (hover)</text>`,
    `<rect x="${at + 260}" y="36" width="3" height="12" fill="#cc00cc"/><text x="${at + 270}" y="46">differs from the record</text>`,
  ].join('\n');
}

function panel(axis: Axis, index: number, ticks: readonly ReplayedTick[], x: Scale): string {
  const top = TOP + index * (PANEL + GAP);
  const [low, high] = range(ticks, index);
  const y = (value: number): number => top + PANEL - ((value - low) / (high - low)) * PANEL;
  const lines = STAGES.map(([stage, colour, width]) => {
    const path = pathOf(ticks, stage, index, x, (value) => y(Math.min(high, Math.max(low, value))));
    return path === '' ? '' : `<path d="${path}" fill="none" stroke="${colour}" stroke-width="${width}"/>`;
  });
  return [
    shades(ticks, x, top),
    `<rect x="${LEFT}" y="${top}" width="${PLOT}" height="${PANEL}" fill="none" stroke="#ccc"/>`,
    low < 0 && high > 0
      ? `<line x1="${LEFT}" x2="${LEFT + PLOT}" y1="${px(y(0))}" y2="${px(y(0))}" stroke="#e5e5e5"/>`
      : '',
    `<text x="8" y="${top + 14}" font-weight="bold">${escaped(axis.name)}</text><text x="8" y="${top + 30}">${escaped(axis.unit)}</text>`,
    `<text x="${LEFT - 6}" y="${top + 10}" text-anchor="end">${short(high)}</text>`,
    `<text x="${LEFT - 6}" y="${top + PANEL}" text-anchor="end">${short(low)}</text>`,
    ...lines,
    marks(ticks, x, top),
  ]
    .filter((part) => part !== '')
    .join('\n');
}

/** Of what was sent and asked for; what a policy proposed beyond three times that would flatten everything else. */
function range(ticks: readonly ReplayedTick[], axis: number): [number, number] {
  let [low, high] = [0, 0];
  for (const { sent } of ticks) {
    const value = sent[axis] ?? 0;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  const room = Math.max(high - low, 1e-9);
  let [least, most] = [low, high];
  for (const tick of ticks) {
    for (const [stage] of STAGES) {
      const value = tick[stage]?.[axis] ?? 0;
      if (value >= low - room && value <= high + room) {
        least = Math.min(least, value);
        most = Math.max(most, value);
      }
    }
  }
  const margin = Math.max((most - least) * 0.05, 1e-9);
  return [least - margin, most + margin];
}

function pathOf(
  ticks: readonly ReplayedTick[],
  stage: (typeof STAGES)[number][0],
  axis: number,
  x: Scale,
  y: (value: number) => number,
): string {
  const step = Math.max(1, Math.ceil(ticks.length / COLUMNS));
  let path = '';
  let drawing = false;
  for (let i = 0; i < ticks.length; i += step) {
    let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    for (let k = i; k < Math.min(ticks.length, i + step); k++) {
      const value = ticks[k]?.[stage]?.[axis];
      if (value === undefined || Number.isNaN(value)) continue;
      least = Math.min(least, value);
      most = Math.max(most, value);
    }
    if (least > most) {
      drawing = false;
      continue;
    }
    path += `${drawing ? 'L' : 'M'}${px(x(i))} ${px(y(least))}`;
    if (most !== least) path += `L${px(x(i))} ${px(y(most))}`;
    drawing = true;
  }
  return path;
}

/** Holds, as bands; where the replay differs from the record, a line. */
function shades(ticks: readonly ReplayedTick[], x: Scale, top: number): string {
  const width = PLOT / Math.max(1, ticks.length);
  const bands: string[] = [];
  for (let i = 0; i < ticks.length; i++) {
    const hold = ticks[i]?.hold ?? null;
    if (hold === null) continue;
    let end = i + 1;
    while (end < ticks.length && ticks[end]?.hold === hold) end++;
    bands.push(
      `<rect x="${px(x(i) - width / 2)}" y="${top}" width="${px((end - i) * width)}" height="${PANEL}" fill="#f3c6c6" opacity="0.6"><title>${hold}</title></rect>`,
    );
    i = end - 1;
  }
  const differing = ticks.flatMap(({ difference }, i) => (difference === null ? [] : [i]));
  const shown = thinned(differing);
  return [
    ...bands,
    ...shown.map((i) => `<rect x="${px(x(i))}" y="${top + PANEL}" width="2" height="5" fill="#cc00cc"/>`),
  ].join('\n');
}

function marks(ticks: readonly ReplayedTick[], x: Scale, top: number): string {
  const flagged = ticks.flatMap(({ flags }, i) => (flags === 0 ? [] : [i]));
  return thinned(flagged)
    .map((i) => {
      const { flags = 0, n = 0 } = ticks[i] ?? {};
      const colour = (flags & CLAMP_FLAGS) === 0 ? '#0072b2' : '#d55e00';
      return `<circle cx="${px(x(i))}" cy="${top - 4}" r="2" fill="${colour}"><title>tick ${n}: ${flagNames(flags).join(' ')}</title></circle>`;
    })
    .join('\n');
}

/** At most one a column. */
function thinned(indices: readonly number[]): number[] {
  const step = Math.max(1, Math.ceil(indices.length / COLUMNS));
  return indices.filter((_, i) => i % step === 0);
}

function ruler(ticks: readonly ReplayedTick[], x: Scale, y: number): string {
  const step = Math.max(1, Math.ceil(ticks.length / 12));
  const labels: string[] = [];
  for (let i = 0; i < ticks.length; i += step) {
    const { episode = 0, n = 0 } = ticks[i] ?? {};
    labels.push(`<text x="${px(x(i))}" y="${y}" text-anchor="middle">${n}</text>`);
    if (i === 0 || ticks[i - step]?.episode !== episode) {
      labels.push(`<text x="${px(x(i))}" y="${y + 16}" text-anchor="middle" fill="#666">episode ${episode}</text>`);
    }
  }
  return `${labels.join('\n')}\n<text x="8" y="${y}">tick</text>`;
}

const px = (value: number): string => String(Math.round(value * 10) / 10);
const short = (value: number): string => String(Number(value.toPrecision(3)));
const escaped = (text: string): string => text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
