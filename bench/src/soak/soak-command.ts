import type { OptionTable, Values } from '@sinew/config';
import { defineCommand, progress } from '../command.js';
import { LOAD_OPTIONS, type LoadOptions } from '../load/load-options.js';
import type { Figure, Findings, Series } from '../result.js';
import { type Growth, type HeapGrowth, heapGrowth, rssGrowth, type SoakSample } from './samples.js';
import { soak as run, type SoakRun } from './soak-run.js';

const { policy, policy_threads, hz } = LOAD_OPTIONS;
const OPTIONS = {
  minutes: {
    type: 'number',
    default: 30,
    min: 0.05,
    max: 10_000,
    help: 'measured time; Ctrl-C ends it with the result so far',
  },
  load: {
    type: 'number',
    default: 0.7,
    min: 0.01,
    max: 1,
    help: 'share of the capacity, which a ramp of half a minute finds first',
  },
  robots: { type: 'integer', default: null, min: 1, max: 10_000, help: 'so many instead, and no ramp' },
  hz,
  frame_kb: { type: 'number', default: 20, min: 2, max: 4_000, help: 'size of a JPEG frame, 1,000 bytes' },
  policy,
  policy_threads,
  warmup: {
    type: 'number',
    default: 120,
    min: 0.5,
    max: 3_600,
    help: 'seconds before, not measured: compiled code and tables find their size in the first minutes',
  },
  sample_s: { type: 'number', default: 10, min: 0.5, max: 600, help: 'between samples' },
} as const satisfies OptionTable;

/** What a heap of this size strays by, with nothing leaking: between two collections a few tenths. */
const NO_GROWTH_MB = 1;
/** Of the ticks: a gateway that only holds would miss none. */
const MOST_HELD = 1e-3;

export interface SoakResult extends SoakRun {
  readonly policy: string;
  readonly hz: number;
  readonly missed_ratio: number;
  readonly heap_growth: HeapGrowth;
  readonly buffers_growth: HeapGrowth;
  /** Bytes an hour. */
  readonly rss_growth: Growth | null;
}

async function measure(options: Values<typeof OPTIONS>): Promise<SoakResult> {
  const stopping = new AbortController();
  const onSignal = (): void => {
    if (stopping.signal.aborted) return;
    progress('ending early, with the result so far');
    stopping.abort();
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  try {
    const result = await run(
      {
        load: loadOptions(options),
        robots: options.robots,
        share: options.load,
        seconds: 60 * options.minutes,
        sampleS: options.sample_s,
      },
      stopping.signal,
    );
    return {
      ...result,
      policy: options.policy,
      hz: options.hz,
      missed_ratio: (result.missed + result.overdue) / Math.max(1, result.missed + result.overdue + result.received),
      heap_growth: heapGrowth(result.memory, 'heapBytes'),
      buffers_growth: heapGrowth(result.memory, 'externalBytes'),
      rss_growth: rssGrowth(result.samples),
    };
  } finally {
    process.off('SIGINT', onSignal);
    process.off('SIGTERM', onSignal);
  }
}

/** The robots of `load`, with what a soak does not vary at its defaults. */
const loadOptions = ({
  frame_kb,
  hz: rate,
  policy: name,
  policy_threads: threads,
  warmup: settle,
}: Values<typeof OPTIONS>): LoadOptions => ({
  robots: 1,
  hz: rate,
  obs_hz: null,
  seconds: 1,
  warmup: settle,
  policy: name,
  policy_threads: threads,
  image: 'jpeg',
  frame_kb: String(frame_kb),
  pacing: 'paced',
  delay_ms: 0,
  jitter_ms: 0,
  loss: 0,
  reconnect_storm: null,
  ramp: null,
  seed: 1,
  idle: false,
  hostile: false,
  bare: false,
  profile: null,
  url: null,
  key: null,
});

function findings(result: SoakResult): Findings {
  const { capacity, early, lost_sessions, missed_ratio, policy, robots, rss_growth, samples, seconds, silent } = result;
  const held = Object.values(result.holds).reduce((sum, ticks) => sum + ticks, 0);
  const growth = (name: string, label: string, { bytes, low, high }: HeapGrowth): Figure[] => [
    {
      name: `soak.${name}_growth_mb`,
      label: `${label}, after less before (${(low / 1e6).toFixed(2)} to ${(high / 1e6).toFixed(2)} by single readings)`,
      unit: 'MB',
      better: 'lower',
      value: bytes / 1e6,
      goal: { op: '<=', value: NO_GROWTH_MB },
    },
  ];
  return {
    figures: [
      { name: 'soak.robots', label: 'robots', unit: 'robots', better: 'neither', value: robots },
      ...(capacity === null
        ? []
        : [
            {
              name: 'soak.capacity',
              label: 'capacity that the ramp found',
              unit: 'robots',
              better: 'higher' as const,
              value: capacity,
            },
          ]),
      { name: 'soak.seconds', label: 'measured', unit: 's', better: 'neither', value: seconds },
      {
        name: 'soak.missed_ratio',
        label: 'missed ticks',
        unit: 'of all ticks',
        better: 'lower',
        value: missed_ratio,
        goal: { op: '<=', value: 1e-5 },
      },
      {
        name: 'soak.held_ratio',
        label: 'ticks held: sent in time, with no action to trust',
        unit: 'of the received',
        better: 'lower',
        value: held / Math.max(1, result.received),
        goal: { op: '<=', value: MOST_HELD },
      },
      {
        name: 'soak.silent',
        label: 'robots that heard nothing',
        unit: 'robots',
        better: 'lower',
        value: silent,
        goal: { op: '<=', value: 0 },
      },
      {
        name: 'soak.lost_sessions',
        label: 'sessions lost',
        unit: 'sessions',
        better: 'lower',
        value: lost_sessions,
        goal: { op: '<=', value: 0 },
      },
      ...growth('heap', 'heap', result.heap_growth),
      ...growth('buffers', 'buffers outside the heap', result.buffers_growth),
      ...(rss_growth === null
        ? []
        : [
            {
              name: 'soak.rss_mb_per_hour',
              label: 'resident memory, median slope',
              unit: 'MB/h',
              better: 'lower' as const,
              value: rss_growth.slope / 1e6,
            },
          ]),
    ],
    series: series(samples),
    notes: [
      `policy ${policy}; heap and buffers were read after forced collections, before and after the measured time`,
      ...(early ? ['ended early by whoever ran it'] : []),
    ],
  };
}

function series(samples: readonly SoakSample[]): Series[] {
  const x = { label: 'time', unit: 'min' };
  const line = (label: string, of: (sample: SoakSample) => number | null) => ({
    label,
    points: samples.flatMap((sample): [number, number][] => {
      const value = of(sample);
      return value === null ? [] : [[sample.at_s / 60, value]];
    }),
  });
  return [
    {
      name: 'soak.memory',
      title: 'Memory of the gateway',
      x,
      y: { label: 'memory', unit: 'MB' },
      lines: [line('resident', ({ rss_mb }) => rss_mb)],
    },
    {
      name: 'soak.time',
      title: 'Timing',
      x,
      y: { label: 'p99', unit: 'ms', log: true },
      lines: [
        line('tick jitter of the server', ({ jitter_p99_ms }) => jitter_p99_ms),
        line('event loop delay', ({ loop_delay_p99_ms }) => loop_delay_p99_ms),
        line('action age', ({ age_p99_ms }) => age_p99_ms),
        line('the bench itself late', ({ send_lag_p99_ms }) => send_lag_p99_ms),
      ],
    },
    {
      name: 'soak.missed',
      title: 'Missed ticks',
      x,
      y: { label: 'missed in a sample', unit: 'ticks' },
      lines: [line('missed', ({ missed }) => missed)],
    },
    {
      name: 'soak.cpu',
      title: 'Processor',
      x,
      y: { label: 'gateway', unit: 'cores' },
      lines: [line('gateway', ({ gateway_cores }) => gateway_cores)],
    },
    {
      name: 'soak.steal',
      title: 'Taken away by the host',
      x,
      y: { label: 'of all processor time', unit: '%' },
      lines: [line('taken away', ({ steal_share }) => (steal_share === null ? null : 100 * steal_share))],
    },
  ];
}

export const soak = defineCommand({
  summary: 'Robots at a share of the capacity for as long as is asked: missed ticks, and whether memory grows.',
  options: OPTIONS,
  measure,
  findings,
});
