import type { HttpRequest, HttpResponse, TemplatedApp, WebSocketBehavior } from 'uWebSockets.js';
import { STREAM_PATH } from '@sinew/protocol';
import type { Network } from '../network.js';
import type { Random } from './random.js';

/** How one client's line is. Changes while it is in use. */
export interface Line {
  /** One way, ms; each frame takes a little more, and now and then much more. Frames never overtake each other: it is TCP. */
  delayMs: number;
  jitterMs: number;
  /** Nothing arrives before then, to either side. */
  stalledUntilMs: number;
  /** The client takes so many bytes a millisecond; it reads slowly. */
  readsBytesAMs: number;
}

export interface NetworkPorts {
  readonly random: Random;
  nowMs(): number;
  /** In the gateway's process, which may be frozen or gone by then. */
  inGateway(atMs: number, label: string, run: () => void): void;
  outside(atMs: number, label: string, run: () => void): void;
  /** Every frame as the gateway gives it to the network; what it returns leaves. */
  sent(socket: VirtualSocket, frame: Uint8Array): Uint8Array;
  /** Before and after a frame of a client is handled. */
  handling(socket: VirtualSocket, frame: Uint8Array, handle: () => void): void;
  ended(socket: VirtualSocket, code: number): void;
  fault(message: string): void;
}

/** The client's end. */
export interface ClientEnd {
  readonly name: string;
  opened(socket: VirtualSocket): void;
  refused(status: string): void;
  frame(bytes: Uint8Array): void;
  /** 1006: without a word. */
  closed(code: number): void;
}

/** What the system buffers before anything counts as waiting in the process. */
const KERNEL_BYTES = 2_048;
const LATE_CHANCE = 0.02;
const LATE = 10;
/** Of a frame's memory once it was handled: who still looks at it reads this. */
const SCRIBBLE = 0xdb;

type Handlers = WebSocketBehavior<unknown>;

/** One socket: uWS's side, with its way of throwing where a closed one is touched, and the two directions. */
export class VirtualSocket {
  readonly line: Line;
  readonly client: ClientEnd;
  readonly #ports: NetworkPorts;
  readonly #handlers: Handlers;
  readonly #maxBackpressure: number;
  readonly #data: unknown;
  #serverOpen = true;
  #clientOpen = true;
  #upMs = 0;
  #downMs = 0;
  #waitingBytes = 0;
  /** Both ends believe in the other, and nothing gets through any more. */
  #halfOpen = false;

  constructor(ports: NetworkPorts, handlers: Handlers, data: unknown, line: Line, client: ClientEnd) {
    this.#ports = ports;
    this.#handlers = handlers;
    this.#data = data;
    this.#maxBackpressure = handlers.maxBackpressure ?? 0;
    this.line = line;
    this.client = client;
  }

  get serverOpen(): boolean {
    return this.#serverOpen;
  }

  // ---- uWS's side ------------------------------------------------------------------------------------------------

  getUserData(): unknown {
    this.#touch();
    return this.#data;
  }

  getBufferedAmount(): number {
    this.#touch();
    return Math.max(0, this.#waitingBytes - KERNEL_BYTES);
  }

  send(frame: Uint8Array, isBinary: boolean): 0 | 1 | 2 {
    this.#touch();
    if (!isBinary) this.#ports.fault('W3 a text frame was sent');
    if (this.getBufferedAmount() + frame.byteLength > this.#maxBackpressure) {
      this.#ports.fault('S8 a frame was sent into a full socket, which drops it');
      return 2;
    }
    const bytes = this.#ports.sent(this, new Uint8Array(frame));
    this.#waitingBytes += bytes.length;
    this.#down(bytes.length, 'frame down', () => {
      this.#waitingBytes -= bytes.length;
      this.client.frame(bytes);
    });
    return this.getBufferedAmount() > 0 ? 0 : 1;
  }

  ping(): number {
    this.#touch();
    this.#down(2, 'ping', () => this.#up('pong', () => this.#handlers.pong?.(this as never, new ArrayBuffer(0))));
    return 1;
  }

  cork(work: () => void): this {
    this.#touch();
    work();
    return this;
  }

  /** uWS tells of the close before `end` returns. */
  end(code = 1000): void {
    this.#touch();
    this.#ports.ended(this, code);
    this.#down(4, 'close', () => this.#clientClosed(code));
    this.#serverClosed(code);
  }

  #touch(): void {
    if (!this.#serverOpen) throw new Error('Invalid access of closed uWS.WebSocket/SSLWebSocket.');
  }

  #serverClosed(code: number): void {
    if (!this.#serverOpen) return;
    this.#handlers.close?.(this as never, code, new ArrayBuffer(0));
    this.#serverOpen = false;
  }

  #clientClosed(code: number): void {
    if (!this.#clientOpen) return;
    this.#clientOpen = false;
    this.client.closed(code);
  }

  // ---- the client's side -----------------------------------------------------------------------------------------

  /** One frame towards the gateway. */
  clientSends(frame: Uint8Array, isBinary = true): void {
    if (!this.#clientOpen) return;
    this.#up('frame up', () => {
      const buffer = frame.slice().buffer as ArrayBuffer;
      this.#ports.handling(this, frame, () => this.#handlers.message?.(this as never, buffer, isBinary));
      new Uint8Array(buffer).fill(SCRIBBLE);
    });
  }

  clientCloses(code = 1005): void {
    if (!this.#clientOpen) return;
    this.#clientOpen = false;
    this.#up('closed by client', () => this.#serverClosed(code));
  }

  // ---- faults ----------------------------------------------------------------------------------------------------

  /** The line breaks: both ends find out, what is on its way is lost. */
  cut(): void {
    const { random } = this.#ports;
    this.#halfOpen = true;
    const now = this.#ports.nowMs();
    this.#ports.inGateway(now + random.exponential(20), 'line cut', () => this.#serverClosed(1006));
    this.#ports.outside(now + random.exponential(20), 'line cut', () => this.#clientClosed(1006));
  }

  /** The line breaks, and only the client finds out. */
  halfOpen(): void {
    this.#halfOpen = true;
    const { random } = this.#ports;
    this.#ports.outside(this.#ports.nowMs() + random.exponential(500), 'line half open', () =>
      this.#clientClosed(1006),
    );
  }

  /** The gateway's process is gone: the system closes its sockets. */
  serverDied(): void {
    if (!this.#serverOpen) return;
    this.#serverOpen = false;
    const { random } = this.#ports;
    this.#ports.outside(this.#ports.nowMs() + random.exponential(5), 'server died', () => this.#clientClosed(1006));
  }

  #up(label: string, run: () => void): void {
    if (this.#halfOpen) return;
    this.#upMs = Math.max(this.#upMs, this.#arrivalMs(0));
    this.#ports.inGateway(this.#upMs, label, () => {
      if (!this.#halfOpen && this.#serverOpen) run();
    });
  }

  #down(bytes: number, label: string, run: () => void): void {
    if (this.#halfOpen) return;
    this.#downMs = Math.max(this.#downMs + bytes / this.line.readsBytesAMs, this.#arrivalMs(0));
    this.#ports.outside(this.#downMs, label, () => {
      if (!this.#halfOpen && this.#clientOpen) run();
    });
  }

  #arrivalMs(extraMs: number): number {
    const { random } = this.#ports;
    const late = random.chance(LATE_CHANCE) ? LATE : 1;
    const takes = this.line.delayMs + late * this.line.jitterMs * random.unit() + extraMs;
    return Math.max(this.#ports.nowMs() + takes, this.line.stalledUntilMs);
  }
}

/** The gateway's listening socket: takes what `mountStream` mounts, and upgrades clients by it. */
export class VirtualNetwork implements Network {
  readonly #ports: NetworkPorts;
  #handlers: Handlers | null = null;
  #listening = false;
  readonly sockets = new Set<VirtualSocket>();

  constructor(ports: NetworkPorts) {
    this.#ports = ports;
  }

  get listening(): boolean {
    return this.#listening;
  }

  app(): TemplatedApp {
    const app: Record<string, unknown> = {
      ws: (path: string, handlers: Handlers) => {
        if (path === STREAM_PATH) this.#handlers = handlers;
        return app;
      },
      listen: (_host: string, _port: number, done: (socket: object) => void) => {
        this.#listening = true;
        done({});
        return app;
      },
      close: () => app,
    };
    for (const method of ['get', 'post', 'put', 'del', 'head', 'any', 'options', 'patch']) app[method] = () => app;
    return app as unknown as TemplatedApp;
  }

  portOf(): number {
    return 443;
  }

  stopListening(): void {
    this.#listening = false;
  }

  /** The process is gone, with all of its sockets. */
  died(): void {
    this.#listening = false;
    this.#handlers = null;
    for (const socket of this.sockets) socket.serverDied();
    this.sockets.clear();
  }

  /** A client asks for an upgrade; it is answered through `client`. */
  connect(key: string, line: Line, client: ClientEnd): void {
    const { nowMs, outside, random } = this.#ports;
    const arrives = Math.max(nowMs() + line.delayMs + line.jitterMs * random.unit(), line.stalledUntilMs);
    const back = (): number => Math.max(nowMs() + line.delayMs, line.stalledUntilMs);
    if (this.#handlers === null || !this.#listening) {
      outside(arrives + line.delayMs, 'connection refused', () => client.refused('nobody listens'));
      return;
    }
    const handlers = this.#handlers;
    this.#ports.inGateway(arrives, 'upgrade', () => {
      let status = '';
      const response = {
        onAborted: () => response,
        cork: (work: () => void) => {
          work();
          return response;
        },
        writeStatus: (text: string) => {
          status = text;
          return response;
        },
        writeHeader: () => response,
        end: () => {
          outside(back(), 'upgrade refused', () => client.refused(status));
          return response;
        },
        upgrade: (data: unknown) => {
          const socket = new VirtualSocket(this.#ports, handlers, data, line, client);
          this.sockets.add(socket);
          outside(back(), 'upgraded', () => client.opened(socket));
          handlers.open?.(socket as never);
        },
      };
      const headers: Record<string, string> = {
        authorization: `Bearer ${key}`,
        'sec-websocket-protocol': 'sinew.v1',
        'sec-websocket-key': 'x',
      };
      const request = { getHeader: (name: string) => headers[name] ?? '' };
      void handlers.upgrade?.(response as unknown as HttpResponse, request as unknown as HttpRequest, {} as never);
    });
  }
}
