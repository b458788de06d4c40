import {
  type ClientMessage,
  decodeServerFrame,
  encodeClientMessage,
  type ServerMessage,
  type ServerMessageType,
} from '@sinew/protocol';
import { WebSocket } from 'ws';

type Of<T extends ServerMessageType> = Extract<ServerMessage, { type: T }>;

/** A bare client of the wire for tests: keeps every frame in order and lets a test wait for the one it means. */
export class StreamClient {
  readonly received: ServerMessage[] = [];
  readonly socket: WebSocket;
  #waiters: (() => void)[] = [];
  #closed: { code: number; reason: string } | null = null;
  #read = 0;
  #trouble = '';

  private constructor(socket: WebSocket) {
    this.socket = socket;
    socket.binaryType = 'nodebuffer';
    socket.on('message', (data: Buffer) => {
      const decoded = decodeServerFrame(new Uint8Array(data));
      if (!decoded.ok) throw new Error(`undecodable frame: ${decoded.fault.message}`);
      this.received.push(decoded.message);
      this.#wake();
    });
    socket.on('close', (code, reason) => {
      this.#closed = { code, reason: reason.toString() };
      this.#wake();
    });
    socket.on('error', (error) => {
      this.#trouble = error.message;
      this.#wake();
    });
  }

  static async connect(port: number, key: string, protocols: string[] = ['sinew.v1']): Promise<StreamClient> {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/v1/stream`, protocols, {
      headers: { Authorization: `Bearer ${key}` },
      perMessageDeflate: false,
    });
    await new Promise<void>((resolve, reject) => {
      socket.once('open', resolve);
      socket.once('error', reject);
      socket.once('unexpected-response', (_req, res) => reject(new Error(`HTTP ${res.statusCode}`)));
    });
    return new StreamClient(socket);
  }

  send(message: ClientMessage): void {
    this.socket.send(encodeClientMessage(message));
  }

  sendRaw(bytes: Uint8Array | string): void {
    this.socket.send(bytes);
  }

  /** The next unread frame of this type; frames before it count as read. Rejects when the socket closes first. */
  async next<T extends ServerMessageType>(type: T, accept: (message: Of<T>) => boolean = () => true): Promise<Of<T>> {
    // Ticks keep coming, so the test runner's own limit would not say what was missing.
    const deadline = performance.now() + 15_000;
    for (;;) {
      while (this.#read < this.received.length) {
        const message = this.received[this.#read++] as ServerMessage;
        if (message.type === type && accept(message as Of<T>)) return message as Of<T>;
      }
      if (this.#closed !== null)
        throw new Error(`closed ${this.#closed.code} before a ${type} ${this.#trouble}`.trim());
      if (performance.now() > deadline) {
        const last = this.received.slice(-4).map((message) => JSON.stringify(message).slice(0, 200));
        throw new Error(`no ${type} within 15 s; last came: ${last.join(' ')}`);
      }
      await this.#change();
    }
  }

  /** Sends what `look` makes again and again until a frame of this type comes: one observation may be too old on a busy machine. */
  async nextWhile<T extends ServerMessageType>(look: () => ClientMessage, type: T): Promise<Of<T>> {
    this.send(look());
    const camera = setInterval(() => this.send(look()), 40);
    return this.next(type).finally(() => clearInterval(camera));
  }

  async closed(): Promise<{ code: number; reason: string }> {
    while (this.#closed === null) await this.#change();
    return this.#closed;
  }

  terminate(): void {
    this.socket.terminate();
  }

  #change(): Promise<void> {
    return new Promise((resolve) => this.#waiters.push(resolve));
  }

  #wake(): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const waiter of waiters) waiter();
  }
}
