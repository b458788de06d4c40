import { randomBytes } from 'node:crypto';
import type { OptionTable, Values } from '@sinew/config';
import { runSim, type SimReport, wilson } from '@sinew/simulator';
import { BenchError, defineCommand, progress } from '../command.js';
import { GatewayProcess } from '../load/gateway-process.js';
import { type Machine, machine, machineLine } from '../machine.js';
import type { Findings } from '../result.js';
import { CONTROLLERS, type Controller } from './controllers.js';

const OPTIONS = {
  delays: {
    type: 'list',
    default: ['0', '100', '200', '300'],
    help: 'ms that every frame to the gateway is held back',
  },
  controllers: {
    type: 'list',
    default: CONTROLLERS.map(({ name }) => name),
    help: `of ${CONTROLLERS.map(({ name }) => name).join(', ')}`,
  },
  robots: { type: 'integer', default: 8, min: 1, max: 1_000, help: 'how many at once' },
  episodes: { type: 'integer', default: 200, min: 1, max: 100_000, help: 'tasks a cell, between all robots' },
  hz: { type: 'number', default: 10, min: 1, max: 100, help: 'control rate' },
  seed: {
    type: 'integer',
    default: 40_000_000,
    min: 0,
    max: 2 ** 31 - 1,
    help: 'first episode; every cell has the same',
  },
} as const satisfies OptionTable;
type Options = Values<typeof OPTIONS>;

export interface DelayCell {
  readonly controller: string;
  readonly delay_ms: number;
  readonly episodes: number;
  readonly success_rate: number;
  /** 95 %, Wilson. */
  readonly interval: readonly [number, number];
  /** Share of the ticks for which nothing came: above 1 % the machine was too busy to tell. */
  readonly missed_share: number;
  readonly seconds: number;
  readonly sim: SimReport;
}

interface DelayResult {
  readonly machine: Machine;
  readonly robots: number;
  readonly hz: number;
  readonly episodes: number;
  readonly seed: number;
  readonly cells: readonly DelayCell[];
}

async function measure(options: Options): Promise<DelayResult> {
  const controllers = options.controllers.map(controllerOf);
  const delays = options.delays.map(delayOf);
  const cells: DelayCell[] = [];
  for (const delay of delays) for (const controller of controllers) cells.push(await cell(controller, delay, options));
  const { robots, hz, episodes, seed } = options;
  return { machine: machine(), robots, hz, episodes, seed, cells };
}

function controllerOf(name: string): Controller {
  const found = CONTROLLERS.find((controller) => controller.name === name);
  if (found === undefined) throw new BenchError(`--controllers: there is no ${name}`);
  return found;
}

function delayOf(text: string): number {
  const ms = Number(text);
  if (!(ms >= 0 && ms <= 1_500)) throw new BenchError(`--delays: ${text} is not 0 to 1500 ms`);
  return ms;
}

/** A gateway of its own for each cell, so that none inherits what another measured. */
async function cell(controller: Controller, delayMs: number, options: Options): Promise<DelayCell> {
  const { model, execute, blend } = controller;
  const { robots, episodes, hz, seed } = options;
  const key = `vla_live_${randomBytes(24).toString('base64url')}`;
  const gateway = await GatewayProcess.start(
    { policy: model, policyThreads: 1, maxSessions: robots, key, bare: false },
    null,
  );
  try {
    const url = `ws://127.0.0.1:${gateway.port}`;
    const sim = await runSim({ url, apiKey: key, robots, episodes, hz, seed, delayMs, model, execute, blend });
    const holds = Object.values(sim.holds).reduce((sum, count) => sum + count, 0);
    const made: DelayCell = {
      controller: controller.name,
      delay_ms: delayMs,
      episodes: sim.episodes,
      success_rate: sim.success_rate,
      interval: wilson(Math.round(sim.success_rate * sim.episodes), sim.episodes),
      missed_share: sim.missed_ticks / Math.max(1, sim.actions + holds + sim.missed_ticks),
      seconds: sim.seconds,
      sim,
    };
    progress(`${delayMs} ms, ${controller.name}: ${text(made)}`);
    return made;
  } finally {
    await gateway.stop();
  }
}

function findings({ cells }: DelayResult): Findings {
  const delays = [...new Set(cells.map(({ delay_ms }) => delay_ms))];
  const names = [...new Set(cells.map(({ controller }) => controller))];
  const lines = names.map((label) => ({
    label,
    points: cells
      .filter(({ controller }) => controller === label)
      .map(({ delay_ms, success_rate }) => [delay_ms, 100 * success_rate] as [number, number]),
  }));
  return {
    figures: cells.flatMap(({ controller, delay_ms, success_rate, missed_share }) => [
      {
        name: `delay.${controller}.${delay_ms}ms.success`,
        label: `${controller} at ${delay_ms} ms: success`,
        unit: '%',
        better: 'higher' as const,
        value: 100 * success_rate,
      },
      {
        name: `delay.${controller}.${delay_ms}ms.missed`,
        label: `${controller} at ${delay_ms} ms: ticks missed`,
        unit: '%',
        better: 'lower' as const,
        value: 100 * missed_share,
      },
    ]),
    ...(delays.length < 2
      ? {}
      : {
          series: [
            {
              name: 'delay.success',
              title: 'Success over a slow link',
              x: { label: 'delay', unit: 'ms' },
              y: { label: 'success', unit: '%' },
              lines,
            },
          ],
        }),
  };
}

function show({ machine: of, robots, hz, episodes, seed, cells }: DelayResult): string[] {
  const names = [...new Set(cells.map(({ controller }) => controller))];
  const delays = [...new Set(cells.map(({ delay_ms }) => delay_ms))];
  const find = (delay: number, name: string) => cells.find((c) => c.delay_ms === delay && c.controller === name);
  return [
    machineLine(of),
    `${episodes} episodes a cell from seed ${seed}, ${robots} robots at ${hz} Hz, paced: success % [95 %], ticks missed`,
    '',
    `| delay | ${names.join(' | ')} |`,
    `|---|${'---|'.repeat(names.length)}`,
    ...delays.map((delay) => {
      const row = names.map((name) => {
        const found = find(delay, name);
        return found === undefined ? '' : text(found);
      });
      return `| ${delay} ms | ${row.join(' | ')} |`;
    }),
    '',
    ...CONTROLLERS.filter(({ name }) => names.includes(name)).map(
      ({ name, model, blend, execute }) => `${name}: ${model}, blend ${blend}, ${execute} ticks of each chunk`,
    ),
  ];
}

const percent = (share: number, digits: number): string => (100 * share).toFixed(digits);

function text({ success_rate, interval: [low, high], missed_share }: DelayCell): string {
  return `${percent(success_rate, 1)} [${percent(low, 1)}, ${percent(high, 1)}], ${percent(missed_share, 1)} %`;
}

export const delay = defineCommand({
  summary: 'Success of simulated robots over a slow link, for each way of joining chunks, side by side.',
  options: OPTIONS,
  measure,
  findings,
  show,
});
