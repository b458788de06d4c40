import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  decodeOpenpi,
  encodeOpenpi,
  float32Array,
  isNdArray,
  numbersOf,
  type OpenpiValue,
} from '@sinew/protocol/openpi';
import { type WebSocket, WebSocketServer } from 'ws';

export type Observed = { readonly [key: string]: OpenpiValue };

export interface OpenpiFakeOptions {
  /** What a socket is sent for an observation; nothing where it answers null. A string goes as text, and the socket is closed. */
  readonly answer?: (observed: Observed, socket: WebSocket) => OpenpiValue | string | null;
  readonly stateKey?: string;
  readonly shape?: readonly [number, number];
}

/**
 * A policy server as openpi's `websocket_policy_server` behaves: metadata first and unprompted, one answer a message, a fault
 * as the traceback in a text frame and then close code 1011. Answers with the state's first entry unless told otherwise.
 */
export class OpenpiFake {
  readonly received: Observed[] = [];
  readonly upgrades: IncomingMessage[] = [];
  readonly #options: OpenpiFakeOptions;
  #server: WebSocketServer | null = null;
  #port = 0;

  constructor(options: OpenpiFakeOptions = {}) {
    this.#options = options;
  }

  get url(): string {
    return `ws://127.0.0.1:${this.#port}`;
  }

  /** Open now. */
  get connections(): number {
    return this.#server?.clients.size ?? 0;
  }

  /** At the port that it had before, where it had one. */
  async listen(): Promise<this> {
    const server = new WebSocketServer({ host: '127.0.0.1', port: this.#port });
    this.#server = server;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.once('listening', resolve);
    });
    this.#port = (server.address() as AddressInfo).port;
    server.on('connection', (socket, upgrade) => {
      this.upgrades.push(upgrade);
      socket.send(encodeOpenpi({ reset_pose: [0, 1] }));
      socket.on('message', (data) => this.#answer(socket, new Uint8Array(data as Buffer)));
    });
    return this;
  }

  /** As a process that is killed: every connection breaks. */
  async kill(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    if (server === null) return;
    for (const socket of server.clients) socket.terminate();
    await new Promise((resolve) => server.close(resolve));
  }

  #answer(socket: WebSocket, bytes: Uint8Array): void {
    const decoded = decodeOpenpi(bytes);
    if (!decoded.ok) throw new Error(decoded.reason);
    const observed = decoded.value as Observed;
    this.received.push(observed);
    const reply = (this.#options.answer ?? (() => this.chunk(observed)))(observed, socket);
    if (reply === null) return;
    if (typeof reply === 'string') {
      socket.send(reply);
      socket.close(1011, 'Internal server error. Traceback included in previous frame.');
    } else socket.send(encodeOpenpi(reply));
  }

  /** The usual answer. */
  chunk(observed: Observed): OpenpiValue {
    const { stateKey = 'observation/state', shape = [8, 7] } = this.#options;
    const state = observed[stateKey];
    const value = isNdArray(state) ? (numbersOf(state)[0] ?? 0) : 0;
    const actions = float32Array(shape, new Float32Array(shape[0] * shape[1]).fill(value));
    return { actions, policy_timing: { infer_ms: 1.5 }, server_timing: { infer_ms: 1.5 } };
  }
}
