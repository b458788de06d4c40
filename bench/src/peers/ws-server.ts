import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { decodeOpenpi, encodeOpenpi, float32Array, isNdArray, numbersOf, OpenpiFloat } from '@sinew/protocol/openpi';
import { type InferenceSession, Tensor } from 'onnxruntime-node';
import { type RawData, WebSocketServer } from 'ws';
import type { PeerSettings } from './peer-settings.js';
import { onBenchGone, sayListening } from './server-line.js';

// What one would write in an afternoon: `ws`, and an inference a message. No session, no check, no batch, no record.

process.title = 'sinew bench ws';
const settings = JSON.parse(process.argv[2] ?? '') as PeerSettings;
const session = settings.graph === null ? null : await load(settings.graph);
const fixed = new Float32Array(settings.chunk[0] * settings.chunk[1]);
for (let row = 1; row <= settings.chunk[0]; row++) fixed[row * settings.chunk[1] - 1] = 1;
const tokens = new Map<string, Int32Array>();

type Observation = Readonly<Record<string, unknown>>;

async function load(graph: string): Promise<InferenceSession> {
  const { InferenceSession } = await import('onnxruntime-node');
  return await InferenceSession.create(graph, {
    executionProviders: ['cpu'],
    intraOpNumThreads: settings.threads,
    interOpNumThreads: 1,
    logSeverityLevel: 4,
    extra: { session: { intra_op: { allow_spinning: '0' }, inter_op: { allow_spinning: '0' } } },
  });
}

async function infer(observation: Observation): Promise<Float32Array> {
  if (session === null) return fixed;
  const feeds: Record<string, Tensor> = {};
  for (const [key, tensor] of Object.entries(settings.images)) {
    const image = observation[key];
    if (!isNdArray(image) || image.dtype !== '|u1') throw new Error(`${key} is not an image`);
    feeds[tensor] = new Tensor('uint8', image.data, [1, ...image.shape]);
  }
  for (const [key, tensor] of Object.entries(settings.state)) {
    const state = observation[key];
    if (!isNdArray(state)) throw new Error(`${key} is not an array`);
    feeds[tensor] = new Tensor('float32', Float32Array.from(numbersOf(state)), [1, ...state.shape]);
  }
  const { prompt } = settings;
  feeds[prompt.tensor] = new Tensor('int32', tokenized(String(observation[prompt.key])), [1, prompt.length]);
  const output = await session.run(feeds);
  return output[settings.output]?.data as Float32Array;
}

/** Kept: a robot repeats its instruction with every frame. */
function tokenized(text: string): Int32Array {
  const known = tokens.get(text);
  if (known !== undefined) return known;
  const { vocabulary, length, pad, unknown } = settings.prompt;
  const ids = new Int32Array(length).fill(pad);
  const words = text.toLowerCase().split(/\s+/).slice(0, length);
  for (const [i, word] of words.entries()) ids[i] = vocabulary[word] ?? unknown;
  tokens.set(text, ids);
  return ids;
}

const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false, maxPayload: 4_194_304 });
server.on('connection', (socket) => {
  let previousMs: number | null = null;
  socket.send(encodeOpenpi({}));
  const answer = async (data: Buffer): Promise<void> => {
    const began = performance.now();
    const decoded = decodeOpenpi(data);
    if (!decoded.ok) throw new Error(decoded.reason);
    const beganInfer = performance.now();
    const actions = await infer(decoded.value as Observation);
    const timing = { infer_ms: new OpenpiFloat(performance.now() - beganInfer) };
    const serverTiming = previousMs === null ? timing : { ...timing, prev_total_ms: new OpenpiFloat(previousMs) };
    socket.send(
      encodeOpenpi({
        actions: float32Array(settings.chunk, actions),
        policy_timing: timing,
        server_timing: serverTiming,
      }),
    );
    previousMs = performance.now() - began;
  };
  socket.on('message', (data: RawData) => {
    answer(data as Buffer).catch((error: Error) => {
      socket.send(error.stack ?? error.message);
      socket.close(1011, 'Internal server error.');
    });
  });
});
server.once('listening', () => {
  const { port } = server.address() as AddressInfo;
  const versionOf = (name: string) =>
    (createRequire(import.meta.url)(`${name}/package.json`) as { version: string }).version;
  const graph = session === null ? {} : { 'onnxruntime-node': versionOf('onnxruntime-node') };
  sayListening({ port, versions: { node: process.version, ws: versionOf('ws'), ...graph } });
});
onBenchGone(() => process.exit(0));
