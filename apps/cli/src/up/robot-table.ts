import type { RobotStatus } from '@sinew/simulator';

interface Column {
  readonly title: string;
  readonly align: 'left' | 'right';
  text(row: RobotStatus): string;
}

const COLUMNS: readonly Column[] = [
  { title: 'robot', align: 'left', text: (r) => r.robot },
  { title: 'task', align: 'left', text: (r) => r.task },
  { title: 'Hz', align: 'right', text: (r) => decimals(r.hz, 1) },
  { title: 'age p50', align: 'right', text: (r) => milliseconds(r.age_p50_ms) },
  { title: 'p99', align: 'right', text: (r) => milliseconds(r.age_p99_ms) },
  { title: 'holds', align: 'right', text: (r) => String(r.holds) },
  { title: 'clamped', align: 'right', text: (r) => String(r.clamped) },
  { title: 'episodes', align: 'right', text: (r) => String(r.episodes) },
  { title: 'success', align: 'right', text: (r) => percent(r.successes, r.episodes) },
];

const GAP = '  ';
const TASK = 1;

/** One line a robot under a heading, at most `width` wide (the task gives way) and `height` high. */
export function robotTable(rows: readonly RobotStatus[], width: number, height: number): string[] {
  const shown = rows.slice(0, rows.length > height - 1 ? Math.max(0, height - 2) : rows.length);
  const cells = [COLUMNS.map((c) => c.title), ...shown.map((row) => COLUMNS.map((c) => c.text(row)))];
  const widths = COLUMNS.map((_, i) => Math.max(...cells.map((line) => line[i]?.length ?? 0)));
  const over = widths.reduce((a, b) => a + b, 0) + GAP.length * (COLUMNS.length - 1) - width;
  if (over > 0) widths[TASK] = Math.max(4, (widths[TASK] ?? 0) - over);
  const lines = cells.map((line) => line.map((text, i) => fit(text, widths[i] ?? 0, COLUMNS[i]?.align)).join(GAP));
  const hidden = rows.length - shown.length;
  return hidden > 0 ? [...lines, `… and ${hidden} more`] : lines;
}

/** The same in one line, for pipes and log files. */
export function robotSummary(rows: readonly RobotStatus[]): string {
  if (rows.length === 0) return 'no robots yet';
  const sum = (value: (row: RobotStatus) => number): number => rows.reduce((total, row) => total + value(row), 0);
  // A robot that has had no action yet has no age.
  const aged = rows.filter((row) => Number.isFinite(row.age_p50_ms)).sort((a, b) => a.age_p50_ms - b.age_p50_ms);
  const median = aged[Math.floor(aged.length / 2)]?.age_p50_ms ?? Number.NaN;
  const worst = aged.length === 0 ? Number.NaN : Math.max(...aged.map((row) => row.age_p99_ms));
  const episodes = sum((r) => r.episodes);
  return [
    `${rows.length} robots at ${decimals(sum((r) => r.hz) / rows.length, 1)} Hz`,
    `action age p50 ${milliseconds(median)} p99 ${milliseconds(worst)}`,
    `holds ${sum((r) => r.holds)}`,
    `clamped ${sum((r) => r.clamped)}`,
    `episodes ${episodes}`,
    `success ${percent(
      sum((r) => r.successes),
      episodes,
    )}`,
  ].join(' · ');
}

const decimals = (value: number, digits: number): string => (Number.isFinite(value) ? value.toFixed(digits) : '–');
const milliseconds = (value: number): string => (Number.isFinite(value) ? `${Math.round(value)} ms` : '–');
const percent = (part: number, whole: number): string => (whole === 0 ? '–' : `${Math.round((100 * part) / whole)} %`);

function fit(text: string, width: number, align: 'left' | 'right' | undefined): string {
  const cut = text.length > width ? `${text.slice(0, Math.max(0, width - 1))}…` : text;
  return align === 'right' ? cut.padStart(width) : cut.padEnd(width);
}
