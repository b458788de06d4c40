/**
 * `node dist/evaluate/main.js GRAPH [--episodes 400] [--seed 30000000] [--delay 0] [--raw] [--blind grey|swap|recolour]
 * [--held-out] [--monitor]`: success of a graph in closed loop without a server, one line of JSON.
 * `--monitor` takes the episodes that training may look at.
 */
import { parseArgs } from 'node:util';
import { BLINDS } from '../camera/eyes.js';
import { Renderer } from '../camera/render.js';
import { Policy } from '../policy/policy.js';
import { Words } from '../policy/words.js';
import { evaluationSeed, trainingSeed } from '../seeds.js';
import { vocabulary } from '../table/instructions.js';
import { evaluate } from './evaluate.js';
import { wilson } from './wilson.js';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    episodes: { type: 'string', default: '400' },
    seed: { type: 'string', default: '30000000' },
    delay: { type: 'string', default: '0' },
    raw: { type: 'boolean', default: false },
    blind: { type: 'string' },
    'held-out': { type: 'boolean', default: false },
    monitor: { type: 'boolean', default: false },
  },
});
const [graph] = positionals;
const blind = values.blind === undefined ? null : BLINDS.find((name) => name === values.blind);
if (graph === undefined || blind === undefined) throw new Error(`usage: GRAPH [--blind ${BLINDS.join('|')}] …`);

const seedOf = (i: number): number =>
  values.monitor ? trainingSeed('monitor', i) : evaluationSeed(Number(values.seed), i);
const policy = await Policy.load(graph, new Words(vocabulary()));
const result = await evaluate({
  policy,
  renderer: new Renderer(),
  seeds: Array.from({ length: Number(values.episodes) }, (_, i) => seedOf(i)),
  delayTicks: Number(values.delay),
  execute: 4,
  jpeg: !values.raw,
  blind,
  wording: values['held-out'] ? 'held-out' : 'trained',
});
await policy.close();
const interval = wilson(result.successes, result.episodes);
process.stdout.write(`${JSON.stringify({ success_rate: result.successes / result.episodes, interval, ...result })}\n`);
