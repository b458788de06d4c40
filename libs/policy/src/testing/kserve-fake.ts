import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Manifest } from '../bundle/manifest.js';
import { expectedTensors } from '../onnx/compare-graph.js';

// A small server of the KServe v2 protocol ("Open Inference Protocol") for tests. What it sends and demands is taken from the
// protocol's description and its binary tensor extension, as KServe and Triton publish them: `GET v2`, `GET v2/models/<m>[/ready]`,
// `POST v2/models/<m>/infer`; shapes and datatypes beside each tensor; errors as `{"error": …}`; with the extension, the JSON's
// length in `Inference-Header-Content-Length` and `binary_data_size` at every tensor that follows as bytes. The same suite runs
// against a Triton server in kserve.py.test.ts.

const BYTES: Readonly<Record<string, number>> = { UINT8: 1, INT32: 4, INT64: 8, FP32: 4 };
const KSERVE_TYPES: Readonly<Record<string, string>> = {
  uint8: 'UINT8',
  float32: 'FP32',
  int32: 'INT32',
  int64: 'INT64',
};

interface TensorJson {
  readonly name: string;
  readonly datatype: string;
  readonly shape: number[];
  readonly parameters?: { readonly binary_data_size?: number };
  readonly data?: unknown[];
}

export interface ReceivedTensor {
  readonly datatype: string;
  readonly shape: readonly number[];
  readonly bytes: Buffer;
}

export interface ReceivedInference {
  readonly tensors: Readonly<Record<string, ReceivedTensor>>;
  readonly timeoutUs: number | undefined;
  readonly authorization: string | undefined;
  readonly rows: number;
}

export interface KserveFakeOptions {
  readonly manifest: Manifest;
  readonly model?: string;
  /** What `GET v2` names. */
  readonly extensions?: readonly string[];
  /** [rows, H·D] for an inference; by default every number is the first entry of its row's state. */
  readonly answer?: (inference: ReceivedInference) => Float32Array;
  /** Before anything is answered: true where it has done so itself. */
  readonly intercept?: (request: IncomingMessage, response: ServerResponse) => boolean;
  readonly metadata?: (metadata: { inputs: TensorJson[]; outputs: TensorJson[] }) => unknown;
}

export class KserveFake {
  readonly received: ReceivedInference[] = [];
  /** Sockets that were ever opened. */
  connections = 0;
  ready = true;
  /** What an inference does before it is answered. */
  before: (inference: ReceivedInference) => Promise<void> = () => Promise.resolve();
  readonly #options: KserveFakeOptions;
  #server: Server | null = null;
  #port = 0;

  constructor(options: KserveFakeOptions) {
    this.#options = options;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** At the port that it had before, where it had one. */
  async listen(): Promise<this> {
    const server = createServer((request, response) => {
      this.#serve(request, response).catch((error: unknown) =>
        json(response, 400, { error: error instanceof Error ? error.message : String(error) }),
      );
    });
    server.on('connection', () => this.connections++);
    this.#server = server;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(this.#port, '127.0.0.1', resolve);
    });
    this.#port = (server.address() as AddressInfo).port;
    return this;
  }

  /** As a process that is killed: every connection breaks. */
  async kill(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    if (server === null) return;
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
  }

  /** Closes the connections on which nothing is in flight. */
  breakIdle(): void {
    this.#server?.closeIdleConnections();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { extensions = ['binary_tensor_data', 'schedule_policy'], intercept, model = 'tabletop' } = this.#options;
    const body = await readAll(request);
    if (intercept?.(request, response) === true) return;
    const base = `/v2/models/${model}`;
    switch (`${request.method} ${request.url}`) {
      case 'GET /v2':
        return json(response, 200, { name: 'fake', version: '1', extensions });
      case `GET ${base}`:
        return json(response, 200, this.#metadata(model));
      case `GET ${base}/ready`:
        return json(response, this.ready ? 200 : 400, this.ready ? {} : { error: 'the model is not ready' });
      case `POST ${base}/infer`:
        return await this.#infer(request, response, body, extensions.includes('binary_tensor_data'));
      default:
        return json(response, 404, { error: `${request.url} is not found` });
    }
  }

  #metadata(name: string): unknown {
    const { manifest, metadata = (plain) => plain } = this.#options;
    const { inputs, outputs } = expectedTensors(manifest);
    const tensor = ({ tensor, type, shape }: (typeof inputs)[number]): TensorJson => ({
      name: tensor,
      datatype: KSERVE_TYPES[type] ?? type,
      shape: [-1, ...shape],
    });
    const described = metadata({ inputs: inputs.map(tensor), outputs: outputs.map(tensor) });
    return { name, versions: ['1'], platform: 'fake', ...(described as object) };
  }

  async #infer(request: IncomingMessage, response: ServerResponse, body: Buffer, knowsBinary: boolean): Promise<void> {
    const { manifest } = this.#options;
    const headerLength = request.headers['inference-header-content-length'];
    if (headerLength !== undefined && !knowsBinary) throw new Error('binary tensors are not known here');
    const jsonBytes = headerLength === undefined ? body.length : Number(headerLength);
    const header = JSON.parse(body.subarray(0, jsonBytes).toString()) as {
      inputs: TensorJson[];
      outputs?: { name: string; parameters?: { binary_data?: boolean } }[];
      parameters?: { timeout?: number };
    };
    const tensors: Record<string, ReceivedTensor> = {};
    let at = jsonBytes;
    for (const { name, datatype, shape, parameters, data } of header.inputs) {
      const elements = shape.reduce((product, n) => product * n, 1);
      const size = parameters?.binary_data_size;
      const bytes = size === undefined ? bytesOf(datatype, data ?? []) : Buffer.from(body.subarray(at, at + size));
      at += size ?? 0;
      if (bytes.length !== elements * (BYTES[datatype] ?? 0))
        throw new Error(`${name}: ${bytes.length} bytes for [${shape.join(', ')}] of ${datatype}`);
      tensors[name] = { datatype, shape, bytes };
    }
    if (at !== body.length) throw new Error(`${body.length - at} bytes belong to no tensor`);
    const { inputs, outputs } = expectedTensors(manifest);
    const rows = tensors[inputs[0]?.tensor ?? '']?.shape[0] ?? 0;
    for (const { tensor, type, shape } of inputs) {
      const got = tensors[tensor];
      if (got?.datatype !== KSERVE_TYPES[type] || String(got?.shape) !== String([rows, ...shape]))
        throw new Error(`unexpected datatype or shape of ${tensor}`);
    }
    const inference: ReceivedInference = {
      tensors,
      rows,
      timeoutUs: header.parameters?.timeout,
      authorization: request.headers.authorization,
    };
    this.received.push(inference);
    await this.before(inference);
    const output = outputs[0];
    const values = (this.#options.answer ?? stateOf(manifest))(inference);
    const described = { name: output?.tensor, datatype: 'FP32', shape: [rows, ...(output?.shape ?? [])] };
    if (header.outputs?.[0]?.parameters?.binary_data !== true)
      return json(response, 200, { model_name: 'fake', outputs: [{ ...described, data: Array.from(values) }] });
    const binary = { ...described, parameters: { binary_data_size: values.byteLength } };
    const reply = Buffer.from(JSON.stringify({ model_name: 'fake', outputs: [binary] }));
    response.writeHead(200, {
      'content-type': 'application/octet-stream',
      'inference-header-content-length': String(reply.length),
    });
    response.end(Buffer.concat([reply, new Uint8Array(values.buffer, values.byteOffset, values.byteLength)]));
  }
}

function stateOf({ inputs, chunk_size, action_dim }: Manifest): (inference: ReceivedInference) => Float32Array {
  return ({ rows, tensors }) => {
    const state = floats(tensors[inputs.state.tensor]?.bytes);
    const values = new Float32Array(rows * chunk_size * action_dim);
    for (let i = 0; i < values.length; i++)
      values[i] = state[Math.floor(i / (chunk_size * action_dim)) * inputs.state.dim] ?? 0;
    return values;
  };
}

/** The float32 numbers of a tensor that was received. */
export function floats(bytes: Buffer | undefined): Float32Array {
  return new Float32Array(Uint8Array.from(bytes ?? []).buffer);
}

function bytesOf(datatype: string, data: unknown[]): Buffer {
  const numbers = data as number[];
  const arrays: Readonly<Record<string, () => ArrayBufferView>> = {
    UINT8: () => Uint8Array.from(numbers),
    INT32: () => Int32Array.from(numbers),
    INT64: () => BigInt64Array.from(numbers.map(BigInt)),
    FP32: () => Float32Array.from(numbers),
  };
  const array = arrays[datatype]?.();
  if (array === undefined) throw new Error(`datatype ${datatype}`);
  return Buffer.from(array.buffer as ArrayBuffer);
}

async function readAll(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of request as AsyncIterable<Buffer>) parts.push(part);
  return Buffer.concat(parts);
}

export function json(response: ServerResponse, status: number, value: unknown): void {
  if (response.headersSent) return;
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(value));
}
