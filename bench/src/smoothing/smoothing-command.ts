import type { OptionTable, Values } from '@sinew/config';
import { ControlLoop, type ControlSpec, resolveLimits, VectorFilter } from '@sinew/control';
import { SMOOTHINGS, type Smoothing } from '@sinew/protocol';
import { findRobot } from '@sinew/robots';
import { BenchError, defineCommand } from '../command.js';
import { type Machine, machine, machineLine } from '../machine.js';
import { timeOperation } from '../micro/time-operation.js';
import type { Findings } from '../result.js';
import { lag, roughness } from './figures.js';
import { handTrack } from './track.js';

const OPTIONS = {
  rates: { type: 'list', default: ['10', '30', '100'], help: 'control rates, Hz' },
  seconds: { type: 'number', default: 60, min: 10, max: 3_600, help: 'simulated time of each row' },
} as const satisfies OptionTable;

const CHUNK = 8;
const EXECUTE = 4;
const D = 7;

interface Row {
  readonly hz: number;
  readonly smoothing: Smoothing;
  /** How late what is sent follows the way. */
  readonly lag_ms: number;
  /** What is left once the lag is taken out, RMS. */
  readonly error_mm: number;
  /** Mean squared jerk of what is sent, m²/s⁶, and relative to `none`. */
  readonly roughness: number;
  readonly share: number;
  /** One call of the filter alone, seven joints. */
  readonly filter_ns: number;
}

interface Result {
  readonly machine: Machine;
  readonly seconds: number;
  readonly rows: readonly Row[];
}

async function measure({ rates, seconds }: Values<typeof OPTIONS>): Promise<Result> {
  const rows: Row[] = [];
  for (const text of rates) {
    const hz = Number(text);
    if (!(hz >= 1 && hz <= 100)) throw new BenchError(`--rates: ${text} is not 1 to 100 Hz`);
    let plain = 0;
    for (const smoothing of SMOOTHINGS) {
      const path = drive(smoothing, hz, seconds);
      const rough = roughness(path, 1 / hz);
      if (smoothing === 'none') plain = rough;
      const { s, rms } = lag(path, handTrack().at, 1 / hz);
      rows.push({
        hz,
        smoothing,
        lag_ms: 1_000 * s,
        error_mm: 1_000 * rms,
        roughness: rough,
        share: rough / plain,
        filter_ns: await filterNs(smoothing, hz),
      });
    }
  }
  return { machine: machine(), seconds, rows };
}

/** What a robot without lag of its own is sent along x: through timeline, smoothing and governor. */
function drive(smoothing: Smoothing, hz: number, seconds: number): number[] {
  const track = handTrack();
  const loop = new ControlLoop(specOf(smoothing, hz));
  const state = Float64Array.of(track.at(0), 0, 0.2, 0, 0, 0, 1);
  const path: number[] = [];
  for (let n = 0; n < seconds * hz; n++) {
    loop.observe(state, n);
    if (n % EXECUTE === 0) {
      const actions = new Float32Array(CHUNK * D);
      let from = state[0] ?? 0;
      for (let k = 0; k < CHUNK; k++) {
        const to = track.at((n + k + 1) / hz) + track.mistake(n, k);
        actions.set([to - from, 0, 0, 0, 0, 0, 1], k * D);
        from = to;
      }
      loop.adopt({ actions, state, baseTick: n, nextTick: n, ref: n });
    }
    state[0] = (state[0] ?? 0) + (loop.tick(n, null).values[0] ?? 0);
    path.push(state[0] ?? 0);
  }
  return path;
}

async function filterNs(smoothing: Smoothing, hz: number): Promise<number> {
  const seven = (value: number): number[] => new Array<number>(7).fill(value);
  const limits = { velocity: seven(2), acceleration: seven(10), jerk: seven(250) };
  const filter = new VectorFilter(smoothing, 1 / hz, 7, limits);
  const commanded = new Float64Array(7);
  const target = new Float64Array(7);
  let n = 0;
  const { median_ns } = await timeOperation(
    smoothing,
    (count) => {
      for (let i = 0; i < count; i++) {
        target.fill(((n++ >> 5) & 1) * 0.3);
        filter.apply(target, commanded);
      }
    },
    5,
    30,
  );
  return median_ns;
}

function specOf(smoothing: Smoothing, hz: number): ControlSpec {
  const robot = findRobot('franka_panda');
  if (robot === undefined) throw new Error('the registry lacks franka_panda');
  const workspace = { min: [-0.5, -0.5, 0], max: [0.5, 0.5, 0.6] };
  const limits = resolveLimits({ robot, actionSpace: 'ee_delta', mode: 'reduced', workspace, hz });
  if (!limits.ok) throw new Error(`${limits.field}: ${limits.reason}`);
  return {
    limits: limits.limits,
    actionSpace: 'ee_delta',
    dim: D,
    chunkSize: CHUNK,
    hz,
    execute: EXECUTE,
    blend: 'latest',
    smoothing,
    action: {
      frame: 'base',
      rotation: 'euler_xyz',
      gripper: 'absolute_0_closed_1_open',
      pose: { position: [0, 1, 2], rotation: [3, 4, 5], gripper: 6 },
    },
  };
}

function findings({ rows }: Result): Findings {
  return {
    figures: rows.flatMap(({ hz, smoothing: kind, lag_ms, error_mm, share, filter_ns }) =>
      (
        [
          ['lag_ms', 'late by', 'ms', lag_ms],
          ['error_mm', 'left over, RMS', 'mm', error_mm],
          ['jerk_share', 'mean squared jerk, of none', '×', share],
          ['filter_ns', 'one call, 7 joints', 'ns', filter_ns],
        ] as const
      ).map(([key, label, unit, value]) => ({
        name: `smoothing.${hz}hz.${kind}.${key}`,
        label: `${hz} Hz, ${kind}: ${label}`,
        unit,
        better: 'lower' as const,
        value,
      })),
    ),
  };
}

function show({ machine: of, seconds, rows }: Result): string[] {
  return [
    machineLine(of),
    `A policy that is off by 2 mm from chunk to chunk and by 0.3 mm from step to step, ${seconds} s a row; what is sent, after the governor.`,
    '',
    '| rate | smoothing | late by | left over, RMS | mean squared jerk | of none | one call, 7 joints |',
    '|---|---|---|---|---|---|---|',
    ...rows.map(({ hz, smoothing, lag_ms, error_mm, roughness: rough, share, filter_ns }) =>
      [
        '',
        `${hz} Hz`,
        smoothing,
        `${lag_ms.toFixed(0)} ms`,
        `${error_mm.toFixed(1)} mm`,
        `${short(rough)} m²/s⁶`,
        `${short(100 * share)} %`,
        `${filter_ns} ns`,
        '',
      ]
        .join(' | ')
        .trim(),
    ),
  ];
}

/** Two digits that count. */
const short = (x: number): string => (x >= 10 ? Number(x.toPrecision(2)).toLocaleString('en') : x.toPrecision(2));

export const smoothing = defineCommand({
  summary: 'How late and how smooth each smoothing makes a jumpy policy, and what a call costs.',
  options: OPTIONS,
  measure,
  findings,
  show,
});
