import type { WarmUp } from '../backend/policy-backend.js';
import { BundleError } from '../bundle/bundle-error.js';
import { type Manifest, warmUpSizes } from '../bundle/manifest.js';
import type { BatchLayout } from '../onnx/batch-layout.js';
import { compareGraph, type GraphValue } from '../onnx/compare-graph.js';
import type { RowFault } from '../onnx/messages.js';
import { faultLine, reasonOf } from '../remote/fault-line.js';
import type { KserveModel } from '../remote/remote-model.js';
import { type Prepared, type RemoteBatch, type RemoteServer, ServerLostError } from '../remote/remote-server.js';
import { HttpConnections, type HttpReply } from './http-connections.js';
import {
  BINARY_EXTENSION,
  ErrorReply,
  encodeRequest,
  HEADER_LENGTH,
  type InputTensor,
  ModelMetadata,
  parseAs,
  ReplyError,
  readReply,
  ServerMetadata,
  type TensorMetadata,
  TIMEOUT_EXTENSION,
} from './inference-protocol.js';

/** Of metadata, errors, and the JSON before an answer's bytes. */
const MAX_JSON_BYTES = 1_048_576;
/** What a number may take in an answer that is all JSON: sign, digits, exponent, comma, white space. */
const JSON_NUMBER_BYTES = 32;
/** What is asked beside a batch that failed must not take as long as that. */
const ASK_TIMEOUT_MS = 2_000;
/** The server, or who stands before it, says that it cannot now; not that it will not. */
const BUSY = new Set([429, 502, 503, 504]);

const TYPES: Readonly<Record<string, string>> = { UINT8: 'uint8', FP32: 'float32', INT32: 'int32', INT64: 'int64' };

export interface KserveServerParts {
  readonly url: string;
  readonly manifest: Manifest;
  readonly model: KserveModel;
  readonly layout: BatchLayout;
  readonly token: string | null;
}

/** One server of the KServe v2 protocol over HTTP (Triton, KServe, OpenVINO, Ray Serve, MLServer). */
export class KserveServer implements RemoteServer {
  readonly #parts: KserveServerParts;
  readonly #http: HttpConnections;
  readonly #model: string;
  #binary = false;
  #timeouts = false;

  constructor(parts: KserveServerParts) {
    const { model, token, url } = parts;
    this.#parts = parts;
    this.#http = new HttpConnections(url, model.connections, token);
    const version = model.version === undefined ? '' : `/versions/${model.version}`;
    this.#model = `v2/models/${model.model}${version}`;
  }

  async prepare(signal: AbortSignal): Promise<Prepared> {
    await this.check(briefly(signal));
    const extensions = await this.#extensions(briefly(signal));
    this.#binary = extensions.includes(BINARY_EXTENSION);
    this.#timeouts = extensions.includes(TIMEOUT_EXTENSION);
    await this.#compare(briefly(signal));
    const warnings = this.#binary ? [] : [`the server has no ${BINARY_EXTENSION}: tensors go as JSON, which is slow`];
    return { warmUp: await this.#warmUp(signal), warnings };
  }

  async check(signal: AbortSignal): Promise<void> {
    const reply = await this.#get(`${this.#model}/ready`, signal);
    if (reply.status !== 200) throw new Error(`${this.#parts.model.model} is not ready: ${errorOf(reply)}`);
  }

  async run(_connection: number, batch: RemoteBatch, signal: AbortSignal): Promise<RowFault[]> {
    return await this.#infer(batch.slab, 0, batch.rows, batch.remainingMs, signal);
  }

  disconnect(): void {
    this.#http.disconnect();
  }

  /** The rest of the metadata is free; a server that has none at this address speaks the plain protocol. */
  async #extensions(signal: AbortSignal): Promise<readonly string[]> {
    const reply = await this.#get('v2', signal);
    return reply.status === 200 ? parseAs(ServerMetadata, reply.body).extensions : [];
  }

  async #compare(signal: AbortSignal): Promise<void> {
    const { manifest, model, url } = this.#parts;
    const reply = await this.#get(this.#model, signal);
    if (reply.status !== 200) throw new Error(`no metadata of ${model.model}: ${errorOf(reply)}`);
    const { inputs, outputs } = parseAs(ModelMetadata, reply.body);
    const what = `the model ${model.model} at ${url}`;
    const fault = compareGraph(manifest, inputs.map(asGraphValue), outputs.map(asGraphValue), what);
    if (fault !== null) throw new BundleError(manifest.id, fault.field, fault.reason);
  }

  /** Every size twice, the second time on all connections at once: what that takes is what serving will take. */
  async #warmUp(signal: AbortSignal): Promise<WarmUp[]> {
    const { manifest, layout, model } = this.#parts;
    const slabs = Array.from({ length: model.connections }, () => new ArrayBuffer(layout.byteLength));
    const run = async (slab: ArrayBuffer, batch: number): Promise<void> => {
      const [fault] = await this.#infer(slab, 0, batch, Number.POSITIVE_INFINITY, signal);
      if (fault !== undefined) throw new Error(`a batch of ${batch} failed: ${fault.reason}`);
    };
    const measured: WarmUp[] = [];
    for (const batch of warmUpSizes(manifest.batch, layout.rows)) {
      await run(slabs[0] as ArrayBuffer, batch);
      const begin = performance.now();
      await Promise.all(slabs.map((slab) => run(slab, batch)));
      measured.push({ batch, inferMs: performance.now() - begin });
    }
    return measured;
  }

  async #infer(
    slab: ArrayBuffer,
    first: number,
    rows: number,
    remainingMs: number,
    signal: AbortSignal,
  ): Promise<RowFault[]> {
    const { layout, manifest } = this.#parts;
    const { chunk_size, action_dim } = manifest;
    const output = layout.viewsBorrow(slab, first + rows).output.subarray(first * layout.output.row);
    const timeoutUs = this.#timeouts && Number.isFinite(remainingMs) ? remainingMs * 1_000 : null;
    const request = encodeRequest(this.#inputs(slab, first, rows), {
      output: manifest.output.tensor,
      binary: this.#binary,
      timeoutUs,
    });
    const begin = performance.now();
    const reply = await this.#http.send({
      method: 'POST',
      path: `${this.#model}/infer`,
      ...request,
      maxReplyBytes: MAX_JSON_BYTES + output.length * JSON_NUMBER_BYTES,
      signal,
    });
    if (reply.status !== 200)
      return await this.#refused(reply, slab, first, rows, remainingMs - (performance.now() - begin), signal);
    const length = reply.headers[HEADER_LENGTH];
    try {
      readReply(reply.body, Array.isArray(length) ? length[0] : length, {
        name: manifest.output.tensor,
        shape: [rows, chunk_size, action_dim],
        into: output,
      });
      return [];
    } catch (error) {
      if (!(error instanceof ReplyError)) throw error;
      return faults(first, rows, error.message);
    }
  }

  /**
   * An answer that is an error. Where the model is not served any more, the server is lost. Where it is only busy, asking again
   * makes it worse. Else an input may be at fault, and the protocol does not say which: each runs alone (Q5).
   */
  async #refused(
    reply: HttpReply,
    slab: ArrayBuffer,
    first: number,
    rows: number,
    remainingMs: number,
    signal: AbortSignal,
  ): Promise<RowFault[]> {
    const reason = errorOf(reply);
    try {
      await this.check(briefly(signal));
    } catch (error) {
      throw new ServerLostError(`${reason}; ${reasonOf(error)}`, !BUSY.has(reply.status), error);
    }
    if (BUSY.has(reply.status) || rows === 1) return faults(first, rows, `the model server answered: ${reason}`);
    const found: RowFault[] = [];
    for (let row = first; row < first + rows; row++)
      found.push(...(await this.#infer(slab, row, 1, Math.max(1, remainingMs), signal)));
    return found;
  }

  #inputs(slab: ArrayBuffer, first: number, rows: number): InputTensor[] {
    const { layout, manifest } = this.#parts;
    const { inputs, chunk_size, action_dim } = manifest;
    const views = layout.viewsBorrow(slab, first + rows);
    const tensors = inputs.cameras.map((camera, i): InputTensor => {
      const { width, height } = camera;
      return {
        name: camera.tensor,
        shape: camera.layout === 'nhwc' ? [rows, height, width, 3] : [rows, 3, height, width],
        data: (views.cameras[i] ?? new Uint8Array()).subarray(first * (layout.cameras[i]?.row ?? 0)),
      };
    });
    const { state, text, prefix } = inputs;
    tensors.push(
      { name: state.tensor, shape: [rows, state.dim], data: views.state.subarray(first * layout.state.row) },
      { name: text.tensor, shape: [rows, text.length], data: views.tokens.subarray(first * layout.tokens.row) },
    );
    if (prefix !== undefined && views.prefix !== null && layout.prefix !== null) {
      const actions = views.prefix.actions.subarray(first * layout.prefix.actions.row);
      const weights = views.prefix.weights.subarray(first * layout.prefix.weights.row);
      tensors.push(
        { name: prefix.actions, shape: [rows, chunk_size, action_dim], data: actions },
        { name: prefix.weights, shape: [rows, chunk_size], data: weights },
      );
    }
    return tensors;
  }

  #get(path: string, signal: AbortSignal): Promise<HttpReply> {
    return this.#http.send({ method: 'GET', path, maxReplyBytes: MAX_JSON_BYTES, signal });
  }
}

/** Of the protocol's shapes, −1 is any size. */
function asGraphValue({ name, datatype, shape }: TensorMetadata): GraphValue {
  return {
    name,
    isTensor: true,
    type: TYPES[datatype] ?? datatype,
    shape: shape.map((size) => (size < 0 ? 'any' : size)),
  };
}

const faults = (first: number, rows: number, reason: string): RowFault[] =>
  Array.from({ length: rows }, (_, i) => ({ row: first + i, code: 'model_error', reason }));

const briefly = (signal: AbortSignal): AbortSignal => AbortSignal.any([signal, AbortSignal.timeout(ASK_TIMEOUT_MS)]);

/** What the server says went wrong, in a line; else its status. */
function errorOf({ status, body }: HttpReply): string {
  try {
    return `HTTP ${status}: ${faultLine(parseAs(ErrorReply, body).error)}`;
  } catch {
    return `HTTP ${status}`;
  }
}
