import { isNdArray, isNumeric, numbersOf, type OpenpiValue } from '@sinew/protocol/openpi';
import type { WarmUp } from '../backend/policy-backend.js';
import { BundleError } from '../bundle/bundle-error.js';
import { type Manifest, warmUpSizes } from '../bundle/manifest.js';
import type { BatchLayout } from '../onnx/batch-layout.js';
import type { RowFault } from '../onnx/messages.js';
import { faultLine } from '../remote/fault-line.js';
import type { OpenpiModel } from '../remote/remote-model.js';
import { type Prepared, type RemoteBatch, type RemoteServer, ServerLostError } from '../remote/remote-server.js';
import { withoutSecrets } from '../remote/server-url.js';
import { ObservationMessage } from './observation-message.js';
import { PolicySocket, type SocketReply } from './policy-socket.js';

/** A server that listens speaks at once. */
const CONNECT_TIMEOUT_MS = 2_000;
/** One that a server which judges instructions lets through. */
const WARM_UP_PROMPT = 'pick up the red cube';

export interface OpenpiServerParts {
  readonly url: string;
  readonly manifest: Manifest;
  readonly model: OpenpiModel;
  readonly layout: BatchLayout;
  readonly token: string | null;
}

/**
 * One server of the openpi wire. It knows no batches: the inputs of one go out at the same time, each on a connection of its
 * own, and what comes of that is the server's affair.
 */
export class OpenpiServer implements RemoteServer {
  readonly #parts: OpenpiServerParts;
  readonly #message: ObservationMessage;
  /** One a row that can be in flight: `connections` times a batch. */
  readonly #sockets = new Map<number, PolicySocket>();

  constructor(parts: OpenpiServerParts) {
    this.#parts = parts;
    this.#message = new ObservationMessage(parts.manifest, parts.model, parts.layout);
  }

  async prepare(signal: AbortSignal): Promise<Prepared> {
    const { layout, manifest, model } = this.#parts;
    const slabs = Array.from({ length: model.connections }, () => new ArrayBuffer(layout.byteLength));
    const run = async (connection: number, rows: number): Promise<void> => {
      const prompts = Array.from({ length: rows }, () => WARM_UP_PROMPT);
      const slab = slabs[connection] as ArrayBuffer;
      const [fault] = await this.run(connection, { slab, rows, prompts, remainingMs: 0 }, signal);
      if (fault !== undefined) throw new Error(`the first inference failed: ${fault.reason}`);
    };
    await this.#compare(signal);
    const measured: WarmUp[] = [];
    for (const batch of warmUpSizes(manifest.batch, layout.rows)) {
      await run(0, batch);
      const begin = performance.now();
      await Promise.all(slabs.map((_, connection) => run(connection, batch)));
      measured.push({ batch, inferMs: performance.now() - begin });
    }
    return { warmUp: measured, warnings: [] };
  }

  async check(signal: AbortSignal): Promise<void> {
    await (await this.#socket(0, signal)).ping(signal);
  }

  async run(connection: number, batch: RemoteBatch, signal: AbortSignal): Promise<RowFault[]> {
    const { layout } = this.#parts;
    const views = layout.viewsBorrow(batch.slab, batch.rows);
    const first = connection * layout.rows;
    // All of them, so that nothing of this batch is on its way when the slab is used again.
    const answers = await Promise.allSettled(
      Array.from({ length: batch.rows }, async (_, row) => {
        const reply = await this.#ask(first + row, this.#message.encode(views, row, batch.prompts[row] ?? ''), signal);
        return this.#read(reply, views.output.subarray(row * layout.output.row, (row + 1) * layout.output.row));
      }),
    );
    const faults: RowFault[] = [];
    let lost: unknown = null;
    for (const [row, answer] of answers.entries()) {
      if (answer.status === 'rejected') lost ??= answer.reason;
      else if (answer.value !== null) faults.push({ row, code: 'model_error', reason: answer.value });
    }
    if (lost !== null) throw lost;
    return faults;
  }

  disconnect(): void {
    for (const socket of this.#sockets.values()) socket.end();
    this.#sockets.clear();
  }

  /** The shape of the actions is all that the wire tells of a model. */
  async #compare(signal: AbortSignal): Promise<void> {
    const { layout, manifest, url } = this.#parts;
    const views = layout.viewsBorrow(new ArrayBuffer(layout.byteLength));
    const reply = await this.#ask(0, this.#message.encode(views, 0, WARM_UP_PROMPT), signal);
    const actions = reply.kind === 'map' ? actionsOf(reply.map) : null;
    if (actions === null) throw new Error(faultOf(reply));
    const [rows, values] = actions.shape;
    const { action_dim, chunk_size, id } = manifest;
    const text = `the server at ${withoutSecrets(url)} gives actions of [${actions.shape.join(', ')}]`;
    if (actions.shape.length !== 2 || values !== action_dim)
      throw new BundleError(id, 'action_dim', `is ${action_dim}, but ${text}`);
    if (rows !== chunk_size) throw new BundleError(id, 'chunk_size', `is ${chunk_size}, but ${text}`);
  }

  /** After a fault the server closes the connection; the next request has a new one. */
  async #ask(index: number, bytes: Uint8Array, signal: AbortSignal): Promise<SocketReply> {
    const socket = await this.#socket(index, signal);
    const reply = await socket.request(bytes, signal);
    if (reply.kind === 'error') {
      this.#sockets.delete(index);
      socket.end();
    }
    return reply;
  }

  async #socket(index: number, signal: AbortSignal): Promise<PolicySocket> {
    const known = this.#sockets.get(index);
    if (known?.open === true) return known;
    const { token, url } = this.#parts;
    const patience = AbortSignal.any([signal, AbortSignal.timeout(CONNECT_TIMEOUT_MS)]);
    const socket = await PolicySocket.open(url, token, patience);
    if (signal.aborted) {
      socket.end();
      throw new ServerLostError('no connection in time', false);
    }
    // A check opens one too, and may have been quicker.
    const other = this.#sockets.get(index);
    if (other?.open === true) {
      socket.end();
      return other;
    }
    this.#sockets.set(index, socket);
    return socket;
  }

  /** Writes the chunk into `output`; what is wrong with the answer, where something is. */
  #read(reply: SocketReply, output: Float32Array): string | null {
    const actions = reply.kind === 'map' ? actionsOf(reply.map) : null;
    if (actions === null) return faultOf(reply);
    const { action_dim, chunk_size } = this.#parts.manifest;
    const [rows, values] = actions.shape;
    if (actions.shape.length !== 2 || rows !== chunk_size || values !== action_dim)
      return `actions are [${actions.shape.join(', ')}], not [${chunk_size}, ${action_dim}]`;
    output.set(numbersOf(actions));
    return null;
  }
}

/** RoboArena's servers answer with the array alone. */
function actionsOf(reply: OpenpiValue) {
  const map = reply as { readonly [key: string]: OpenpiValue };
  const actions = isNdArray(reply) ? reply : Object.hasOwn(map, 'actions') ? map.actions : undefined;
  return isNdArray(actions) && isNumeric(actions) ? actions : null;
}

function faultOf(reply: SocketReply): string {
  if (reply.kind === 'error') return `the policy server failed: ${faultLine(reply.text)}`;
  const { message, type } = reply.map;
  if (type === 'error' && typeof message === 'string') return `the policy server failed: ${faultLine(message)}`;
  return 'the answer has no `actions` of numbers';
}
