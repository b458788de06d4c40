import type { Figure, Findings, Goal } from '../result.js';
import { percentileFigures } from '../stats/percentile-figures.js';
import type { IdleResult } from './idle-sessions.js';
import type { LoadResult } from './load-report.js';
import { KNEE_MISSED_SHARE, knee, type RampStep, rampSeries } from './ramp.js';

export type LoadOutcome =
  | ({ readonly mode: 'load' } & LoadResult)
  | ({ readonly mode: 'idle' } & IdleResult)
  | { readonly mode: 'bare'; readonly ceiling: LoadResult; readonly gateway: LoadResult }
  | { readonly mode: 'hostile'; readonly alone: LoadResult; readonly beside: LoadResult };

/** Goals hold for the gateway by itself: what a bare server or a fleet under attack does is told, not judged. */
export function loadFindings(outcome: LoadOutcome): Findings {
  switch (outcome.mode) {
    case 'load':
      return outcome.ramp === null
        ? { figures: loadFigures('load', '', outcome, true), notes: noteOf(outcome) }
        : rampFindings(outcome, outcome.ramp);
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
          // Of few sessions the memory of the process itself is a large part.
          ...(key === 'rss_kb' && outcome.sessions >= 1_000 ? { goal: { op: '<=', value: 40 } as const } : {}),
        })),
      };
  }
}

/** What each part of the window gave: the noise of the p99, as far as one run can tell. */
function lapsOf({ laps }: LoadResult): { rounds?: readonly number[] } {
  const rounds = laps.flatMap(({ age }) => (age === null ? [] : [age.p99]));
  return rounds.length === laps.length && rounds.length > 0 ? { rounds } : {};
}

function noteOf({ network }: LoadResult): string[] {
  if (network === null) return [];
  const { delay_ms, jitter_ms, loss } = network;
  return [
    `network, a model in the client, each way: ${delay_ms} ms, jitter ${jitter_ms} ms, ${100 * loss} % of the TCP segments lost (a stall until they are sent again; no congestion window)`,
  ];
}

/** Means over a ramp say nothing: its steps are the result. */
function rampFindings(result: LoadResult, steps: readonly RampStep[]): Findings {
  const at = knee(steps, result.hz);
  return {
    figures: [
      ...(at === null
        ? []
        : [
            {
              name: 'load.ramp.knee',
              label: 'robots up to the knee',
              unit: 'robots',
              better: 'higher' as const,
              value: at,
            },
          ]),
      ...steps.flatMap(({ robots, usable_p99_ms }) =>
        usable_p99_ms === null
          ? []
          : [
              {
                name: `load.ramp.${robots}.usable.p99_ms`,
                label: `${robots} robots: chunk usable, p99`,
                unit: 'ms',
                better: 'lower' as const,
                value: usable_p99_ms,
              },
            ],
      ),
    ],
    series: rampSeries(steps),
    notes: [
      `the knee: the most robots with which at most ${100 * KNEE_MISSED_SHARE} % of the ticks are missed and the server's tick jitter stays, at p99, within a quarter of the period`,
      ...(at === null ? ['no step stayed within both'] : at === result.robots ? ['the ramp did not reach it'] : []),
      ...noteOf(result),
    ],
  };
}

export function loadFigures(prefix: string, before: string, result: LoadResult, judged: boolean): Figure[] {
  const goal = (op: Goal['op'], value: number): { goal?: Goal } => (judged ? { goal: { op, value } } : {});
  // What was promised for two cores; a harder run is told without a verdict.
  const promised =
    judged &&
    result.robots * result.obs_hz <= 2_000 &&
    typeof result.frame_kb !== 'string' &&
    (result.frame_kb ?? 0) <= 20 &&
    result.network === null &&
    result.storm === null;
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
    ...of('age', 'action age', 'age_ms', lapsOf(result)),
    ...of('added', 'added by the server', 'added_ms', timed(5)),
    ...of('usable', 'chunk usable', 'chunk_usable_ms'),
    ...percentileFigures(`${prefix}.jitter`, `${before}tick jitter of the server`, result.tick_jitter_ms.server),
    ...single('missed_ticks', 'missed ticks', 'ticks', 'lower', result.missed_ticks, goal('<=', 0)),
    ...single('overdue_ticks', 'overdue at the end', 'ticks', 'lower', result.overdue_ticks),
    ...single('held_ratio', 'ticks held', 'of the received', 'lower', result.held_ratio),
    ...single('silent_robots', 'robots that heard nothing', 'robots', 'lower', result.silent_robots, goal('<=', 0)),
    ...single('tick_hz', 'ticks a robot', 'Hz', 'higher', result.tick_hz),
    ...percentileFigures(
      `${prefix}.storm.first_action`,
      `${before}cut to first action`,
      result.storm?.first_action_ms ?? null,
    ),
    ...single('storm.resumed', 'cut sockets whose session went on', 'sessions', 'higher', result.storm?.resumed),
    ...single('storm.reopened', 'cut sockets whose session was gone', 'sessions', 'lower', result.storm?.reopened),
    ...single('storm.refused', 'refusals on the way back', '', 'lower', result.storm?.refused),
    ...single(
      'storm.without_action',
      'robots without an action at the end',
      'robots',
      'lower',
      result.storm?.without_action,
      goal('<=', 0),
    ),
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
