import type { Series } from '../result.js';
import type { RampOption } from './option-texts.js';

export interface RampStep {
  readonly robots: number;
  /** Of the step's own time, after the robots that joined have settled. */
  readonly age_p99_ms: number | null;
  readonly usable_p99_ms: number | null;
  readonly jitter_p99_ms: number | null;
  readonly missed_share: number;
  readonly gateway_cores: number | null;
  /** How late the bench itself sent: a step where it was late tells of the machine. */
  readonly send_lag_p99_ms: number | null;
}

const STEPS = 8;
const LEAST_STEP_S = 2;

/** How many robots drive in each step. */
export function rampSteps({ from, to, seconds }: RampOption): {
  readonly robots: readonly number[];
  readonly stepMs: number;
} {
  const steps = Math.max(2, Math.min(STEPS, Math.floor(seconds / LEAST_STEP_S), to - from + 1));
  const robots = Array.from({ length: steps }, (_, i) => Math.round(from + ((to - from) * i) / (steps - 1)));
  return { robots, stepMs: (1_000 * seconds) / steps };
}

/** What a step may miss before it counts as too much, and how late a tick may be: a quarter of its period. */
export const KNEE_MISSED_SHARE = 0.001;
const KNEE_PERIOD_SHARE = 0.25;

/**
 * The most robots of a step that stayed within both bounds; null where none did. Not the first step that broke them: a machine that is
 * shared breaks one at times, and one past saturation is not within them by luck.
 */
export function knee(steps: readonly RampStep[], hz: number): number | null {
  const lateMs = (1_000 / hz) * KNEE_PERIOD_SHARE;
  const within = steps.filter(
    ({ age_p99_ms, jitter_p99_ms, missed_share, send_lag_p99_ms }) =>
      missed_share <= KNEE_MISSED_SHARE &&
      (jitter_p99_ms ?? 0) <= lateMs &&
      // Who heard nothing missed nothing, and who was not sent to in time was not loaded.
      age_p99_ms !== null &&
      (send_lag_p99_ms ?? 0) <= 1_000 / hz,
  );
  return within.at(-1)?.robots ?? null;
}

export function rampSeries(steps: readonly RampStep[]): Series[] {
  const line = (label: string, of: (step: RampStep) => number | null) => ({
    label,
    points: steps.flatMap((step): [number, number][] => {
      const value = of(step);
      return value === null ? [] : [[step.robots, value]];
    }),
  });
  const x = { label: 'robots' };
  return [
    {
      name: 'load.ramp.latency',
      title: 'p99 against the number of robots',
      x,
      y: { label: 'p99', unit: 'ms', log: true },
      lines: [
        line('chunk usable', (step) => step.usable_p99_ms),
        line('tick jitter of the server', (step) => step.jitter_p99_ms),
        line('action age', (step) => step.age_p99_ms),
        line('the bench itself late', (step) => step.send_lag_p99_ms),
      ],
    },
    {
      name: 'load.ramp.missed',
      title: 'Missed ticks against the number of robots',
      x,
      y: { label: 'missed', unit: '%' },
      lines: [line('missed ticks', (step) => 100 * step.missed_share)],
    },
    {
      name: 'load.ramp.cpu',
      title: 'Processor against the number of robots',
      x,
      y: { label: 'gateway', unit: 'cores' },
      lines: [line('gateway', (step) => step.gateway_cores)],
    },
  ];
}

export function rampLines(steps: readonly RampStep[] | null): string[] {
  if (steps === null) return [];
  const cell = (value: number | null, digits: number, width: number): string =>
    (value?.toFixed(digits) ?? '–').padStart(width);
  return [
    '',
    'robots   p99, ms: usable   jitter      age   bench late   missed, %   gateway cores',
    ...steps.map((step) =>
      [
        String(step.robots).padStart(6),
        cell(step.usable_p99_ms, 1, 18),
        cell(step.jitter_p99_ms, 1, 9),
        cell(step.age_p99_ms, 0, 9),
        cell(step.send_lag_p99_ms, 1, 13),
        cell(100 * step.missed_share, 3, 12),
        cell(step.gateway_cores, 2, 16),
      ].join(''),
    ),
  ];
}
