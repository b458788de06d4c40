import type { OptionTable, Values } from '@sinew/config';
import { defineCommand } from '../command.js';
import { machineLine } from '../machine.js';
import type { Findings } from '../result.js';
import { percentilesText } from '../stats/latencies.js';
import { percentileFigures } from '../stats/percentile-figures.js';
import { type Felt, measureRest, type RestResult } from './measure-rest.js';

const OPTIONS = {
  rate: {
    type: 'number',
    default: 200,
    min: 1,
    max: 5_000,
    help: 'feedback posts a second, sent on time whatever is answered',
  },
  robots: { type: 'integer', default: 100, min: 1, max: 2_000, help: 'paced sessions on the same gateway' },
  hz: { type: 'number', default: 10, min: 1, max: 100, help: 'control rate of each' },
  seconds: {
    type: 'number',
    default: 15,
    min: 1,
    max: 300,
    help: 'measured time of each part: robots alone, then beside the posts',
  },
  warmup: { type: 'number', default: 5, min: 0, max: 60, help: 'seconds before, not measured' },
  database_url: {
    type: 'string',
    default: null,
    secret: true,
    env: 'DATABASE_URL',
    help: 'a PostgreSQL or an embedded database; a customer of the bench’s own is made in it and removed',
  },
} as const satisfies OptionTable;

export type RestOptions = Values<typeof OPTIONS>;

export const rest = defineCommand({
  summary: 'Feedback posts at a fixed rate beside paced robots: latency, and what the robots feel of it.',
  options: OPTIONS,
  measure: measureRest,
  findings: restFindings,
  show: restLines,
});

function restFindings(result: RestResult): Findings {
  const promised = result.rate <= 200 && result.robots * result.hz <= 1_000;
  const goal = (value: number) => (promised ? { goal: { op: '<=', value } as const } : {});
  return {
    figures: [
      ...percentileFigures('rest.latency', 'feedback post', result.latency_ms, goal(20)),
      ...percentileFigures('rest.alone.jitter', 'tick jitter, robots alone', result.alone.tick_jitter_ms),
      ...percentileFigures('rest.beside.jitter', 'tick jitter beside the posts', result.beside.tick_jitter_ms),
      ...(result.jitter_added_p99_ms === null
        ? []
        : [
            {
              name: 'rest.jitter_added.p99_ms',
              label: 'what the posts add to tick jitter, p99',
              unit: 'ms',
              better: 'lower' as const,
              value: result.jitter_added_p99_ms,
              ...goal(1),
            },
          ]),
    ],
  };
}

function restLines(result: RestResult): string[] {
  const row = (name: string, of: (felt: Felt) => string): string =>
    `${name.padEnd(18)}${of(result.alone).padEnd(64)}${of(result.beside)}`;
  const answered = Object.entries(result.statuses)
    .map(([status, count]) => `${status}: ${count}`)
    .join(', ');
  return [
    machineLine(result.machine),
    `POST /v1/feedback/success, ${result.rate}/s open loop for ${result.seconds} s, beside ${result.robots} robots × ${result.hz} Hz`,
    '',
    `latency           ${percentilesText(result.latency_ms)}   (from the intended send time)`,
    `answered          ${answered}; rows in the table ${result.stored}`,
    `sent late by      ${percentilesText(result.send_lag_ms)}   (the bench itself)`,
    '',
    row('', (felt) => (felt === result.alone ? 'robots alone' : 'beside the posts')),
    row('tick jitter', ({ tick_jitter_ms }) => percentilesText(tick_jitter_ms)),
    row('loop delay p99', ({ event_loop_delay_p99_ms }) => `${event_loop_delay_p99_ms.toFixed(2)} ms`),
    row('gateway CPU', ({ gateway_cores }) => `${gateway_cores.toFixed(2)} cores`),
    `tick jitter p99   ${result.jitter_added_p99_ms === null ? 'not measured' : `${result.jitter_added_p99_ms >= 0 ? '+' : ''}${result.jitter_added_p99_ms.toFixed(2)} ms`} beside the posts`,
  ];
}
