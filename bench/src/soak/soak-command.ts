import type { OptionTable, Values } from '@sinew/config';
import { defineCommand, progress } from '../command.js';
import { LOAD_OPTIONS, type LoadOptions } from '../load/load-options.js';
import type { Findings, Series } from '../result.js';
import { type HeapGrowth, heapGrowth, type SoakSample } from './samples.js';
import { soak as run, type SoakRun } from './soak-run.js';

const { policy, policy_threads, hz, warmup } = LOAD_OPTIONS;
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
  warmup,
  sample_s: { type: 'number', default: 10, min: 0.5, max: 600, help: 'between samples' },
  heap_every: {
    type: 'integer',
    default: 12,
    min: 1,
    max: 1_000,
    help: 'samples from one reading of the heap to the next: each stops the gateway for two whole collections, and what ticks that costs is told apart',
  },
} as const satisfies OptionTable;

export interface SoakResult extends SoakRun {
  readonly hz: number;
  readonly missed_ratio: number;
  /** Bytes an hour. */
  readonly heap_growth: HeapGrowth | null;
  readonly rss_growth: HeapGrowth | null;
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
        heapEvery: options.heap_every,
      },
      stopping.signal,
    );
    return {
      ...result,
      hz: options.hz,
      missed_ratio: (result.missed + result.overdue) / Math.max(1, result.missed + result.overdue + result.received),
      heap_growth: heapGrowth(result.samples, 'heap_mb'),
      rss_growth: heapGrowth(result.samples, 'rss_mb'),
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
  const { capacity, early, heap_growth, lost_sessions, missed_ratio, robots, rss_growth, samples, seconds } = result;
  const held = Object.values(result.holds).reduce((sum, ticks) => sum + ticks, 0);
  const growth = (name: string, label: string, of: HeapGrowth | null) =>
    of === null
      ? []
      : [
          {
            name: `soak.${name}_mb_per_hour`,
            label: `${label} growth, median slope`,
            unit: 'MB/h',
            better: 'lower' as const,
            value: of.slope / 1e6,
          },
          {
            name: `soak.${name}_growth_low_mb_per_hour`,
            label: `${label} growth, lower end of the 95 % interval`,
            unit: 'MB/h',
            better: 'lower' as const,
            value: of.low / 1e6,
            // None is shown where the interval reaches down to nothing.
            ...(name === 'heap' ? { goal: { op: '<=', value: 0 } as const } : {}),
          },
          {
            name: `soak.${name}_growth_high_mb_per_hour`,
            label: `${label} growth, upper end`,
            unit: 'MB/h',
            better: 'lower' as const,
            value: of.high / 1e6,
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
      },
      {
        name: 'soak.missed_in_collections',
        label: 'ticks missed while the bench collected garbage to read the heap, and in the second after',
        unit: 'ticks',
        better: 'neither',
        value: result.missed_in_collections,
      },
      {
        name: 'soak.lost_sessions',
        label: 'sessions lost',
        unit: 'sessions',
        better: 'lower',
        value: lost_sessions,
        goal: { op: '<=', value: 0 },
      },
      ...growth('heap', 'heap', heap_growth),
      ...growth('rss', 'resident memory', rss_growth),
    ],
    series: series(samples),
    notes: [
      'the heap is read after two forced collections, which stop the gateway: a second around each is in no sample',
      ...(heap_growth === null ? ['too few readings of the heap to tell its growth'] : []),
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
      lines: [
        line('heap after a collection', ({ heap_mb }) => heap_mb),
        line('buffers after a collection', ({ external_mb }) => external_mb),
        line('resident', ({ rss_mb }) => rss_mb),
      ],
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
  ];
}

export const soak = defineCommand({
  summary: 'Robots at a share of the capacity for as long as is asked: missed ticks, and whether memory grows.',
  options: OPTIONS,
  measure,
  findings,
});
