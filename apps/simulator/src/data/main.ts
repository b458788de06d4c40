/**
 * Serves training samples on a pipe. Reads one request a line on stdin (`scattered 2500`, `expert 1500`,
 * `learner 3000 policy.onnx`, `states 300000`, `vocabulary`), writes that many samples (sample.ts) to stdout, or one
 * line of JSON for `vocabulary`. With `--prefix 4`, up to 4 of each chunk's actions are given. Ends with stdin.
 */
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { Renderer } from '../camera/render.js';
import { Policy } from '../policy/policy.js';
import { Words } from '../policy/words.js';
import { vocabulary } from '../table/instructions.js';
import { ExpertStream } from './expert-stream.js';
import { LearnerStream } from './learner-stream.js';
import { SampleWriter } from './sample.js';
import { ScatteredStream } from './scattered-stream.js';

const words = new Words(vocabulary());
const renderer = new Renderer();
const { values } = parseArgs({ options: { prefix: { type: 'string', default: '0' } } });
const writer = new SampleWriter(renderer, words, Number(values.prefix));
const scattered = new ScatteredStream(writer);
const expert = new ExpertStream(writer, 'expert');
const learner = new LearnerStream(writer, renderer);

async function send(samples: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): Promise<void> {
  for await (const sample of samples) if (!process.stdout.write(sample)) await once(process.stdout, 'drain');
}

async function serve(line: string): Promise<void> {
  const [kind, amount = '0', graph = ''] = line.trim().split(/\s+/);
  const count = Number.parseInt(amount, 10);
  if (kind === 'scattered') return send(scattered.collect(count));
  if (kind === 'expert') return send(expert.collect(count, true, 0.25));
  if (kind === 'states') return send(new ExpertStream(writer, 'states', 2048).collect(count, false, 0.5));
  if (kind === 'vocabulary') return send([Buffer.from(`${JSON.stringify(vocabulary())}\n`)]);
  if (kind !== 'learner') throw new Error(`unknown request: ${line}`);
  const policy = await Policy.load(graph, words);
  await send(take(learner.collect(count, policy, 0.25), count));
  return policy.close();
}

/** The learner's stream ends with a whole tick of its episodes; the reader wants an exact number. */
async function* take(samples: AsyncIterable<Uint8Array>, count: number): AsyncGenerator<Uint8Array> {
  let taken = 0;
  for await (const sample of samples) if (taken++ < count) yield sample;
}

for await (const line of createInterface({ input: process.stdin })) await serve(line);
