import type { Figure, Findings, Goal } from '../result.js';
import { percentileFigures } from '../stats/percentile-figures.js';
import type { IdleResult } from './idle-sessions.js';
import type { LoadResult } from './load-report.js';

export type LoadOutcome =
  | ({ readonly mode: 'load' } & LoadResult)
  | ({ readonly mode: 'idle' } & IdleResult)
  | { readonly mode: 'bare'; readonly ceiling: LoadResult; readonly gateway: LoadResult }
  | { readonly mode: 'hostile'; readonly alone: LoadResult; readonly beside: LoadResult };

/** Goals hold for the gateway by itself: what a bare server or a fleet under attack does is told, not judged. */
export function loadFindings(outcome: LoadOutcome): Findings {
  switch (outcome.mode) {
    case 'load':
      return { figures: loadFigures('load', '', outcome, true) };
    case 'bare':
      return {
        figures: [
          ...loadFigures('load', '', outcome.gateway, true),
          ...loadFigures('load.bare', 'bare server: ', outcome.ceiling, false),
        ],
      };
    case 'hostile':
      return {
        figures: [
          ...loadFigures('load', 'alone: ', outcome.alone, true),
          ...loadFigures('load.hostile', 'beside hostile clients: ', outcome.beside, false),
        ],
      };
    case 'idle':
      return {
        figures: (
          [
            ['rss_kb', 'memory of an idle session'],
            ['heap_kb', 'of it on the JavaScript heap'],
            ['external_kb', 'of it in buffers'],
          ] as const
        ).map(([key, label]) => ({
          name: `load.idle.${key}`,
          label,
          unit: 'kB',
          better: 'lower' as const,
          value: outcome[key],
        })),
      };
  }
}

export function loadFigures(prefix: string, before: string, result: LoadResult, judged: boolean): Figure[] {
  const goal = (op: Goal['op'], value: number): { goal?: Goal } => (judged ? { goal: { op, value } } : {});
  // What was promised for two cores; a harder run is told without a verdict.
  const promised = judged && result.robots * result.obs_hz <= 2_000 && (result.frame_kb ?? 0) <= 20;
  const timed = (value: number): { goal?: Goal } => (promised ? goal('<=', value) : {});
  const single = (
    name: string,
    label: string,
    unit: string,
    better: Figure['better'],
    value: number | null | undefined,
    more: { goal?: Goal } = {},
  ): Figure[] =>
    value === null || value === undefined
      ? []
      : [{ name: `${prefix}.${name}`, label: `${before}${label}`, unit, better, value, ...more }];
  const of = (name: string, label: string, key: 'age_ms' | 'added_ms' | 'chunk_usable_ms', more = {}): Figure[] =>
    percentileFigures(`${prefix}.${name}`, `${before}${label}`, result[key], more);
  return [
    ...of('age', 'action age', 'age_ms'),
    ...of('added', 'added by the server', 'added_ms', timed(5)),
    ...of('usable', 'chunk usable', 'chunk_usable_ms'),
    ...percentileFigures(`${prefix}.jitter`, `${before}tick jitter of the server`, result.tick_jitter_ms.server),
    ...single('missed_ticks', 'missed ticks', 'ticks', 'lower', result.missed_ticks, goal('<=', 0)),
    ...single('overdue_ticks', 'overdue at the end', 'ticks', 'lower', result.overdue_ticks),
    ...single('tick_hz', 'ticks a robot', 'Hz', 'higher', result.tick_hz),
    ...single('lost_sessions', 'sessions lost', 'sessions', 'lower', result.lost_sessions, goal('<=', 0)),
    ...single('loop_delay.p99_ms', 'event loop delay, p99', 'ms', 'lower', result.event_loop_delay_ms?.p99, {
      ...timed(10),
    }),
    ...single('cpu_per_frame_us', 'gateway CPU a frame', 'µs', 'lower', result.cpu.per_frame_us),
    ...single('gateway_cores', 'gateway CPU', 'cores', 'lower', result.cpu.gateway_cores),
    ...single('rss_mb', 'gateway memory', 'MB', 'lower', result.gateway_rss_mb),
    ...single('send_lag.p99_ms', 'the bench itself sent late, p99', 'ms', 'neither', result.send_lag_ms?.p99),
  ];
}
