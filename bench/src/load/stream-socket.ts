import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { SUBPROTOCOL } from '@sinew/protocol';
import { clientFrame, InboundFrames, OPCODE } from './websocket-frames.js';

export interface StreamEvents {
  /** One binary frame, `bytes[start, end)`, valid during the call only. */
  message(bytes: Buffer, start: number, end: number): void;
  /** A text frame, which our own protocol never sends. */
  text?(text: string): void;
  /** The server went away, or what it sent is not a WebSocket stream. */
  ended(reason: string): void;
}

export interface StreamTarget {
  readonly host: string;
  readonly port: number;
  readonly path: string;
  readonly key: string;
  /** Null: none is offered. Our own where it is left out. */
  readonly subprotocol?: string | null;
}

const END_OF_HEADERS = '\r\n\r\n';

/**
 * A WebSocket client on a bare TCP socket. One read buffer serves all sockets of the process: a read is handed over before
 * the next one begins.
 */
export class StreamSocket {
  static readonly #shared = Buffer.allocUnsafe(256 * 1024);
  readonly #socket: Socket;
  readonly #events: StreamEvents;
  readonly #frames = new InboundFrames();
  #upgraded = false;
  #head = '';
  #open: { resolve: () => void; reject: (error: Error) => void } | null = null;
  #ended = false;

  private constructor(target: StreamTarget, events: StreamEvents) {
    this.#events = events;
    this.#socket = connect({
      host: target.host,
      port: target.port,
      noDelay: true,
      onread: {
        buffer: StreamSocket.#shared,
        callback: (count: number, buffer: Uint8Array) => {
          this.#receive(buffer as Buffer, count);
          return true;
        },
      },
    });
    this.#socket.on('connect', () => {
      this.#socket.write(
        [
          `GET ${target.path} HTTP/1.1`,
          `Host: ${target.host}:${target.port}`,
          'Connection: Upgrade',
          'Upgrade: websocket',
          'Sec-WebSocket-Version: 13',
          `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`,
          ...(target.subprotocol === null ? [] : [`Sec-WebSocket-Protocol: ${target.subprotocol ?? SUBPROTOCOL}`]),
          `Authorization: Bearer ${target.key}`,
          '',
          '',
        ].join('\r\n'),
      );
    });
    this.#socket.on('error', (error) => this.#end(error.message));
    this.#socket.on('close', () => this.#end('the connection was closed'));
  }

  static connect(target: StreamTarget, events: StreamEvents): Promise<StreamSocket> {
    return new Promise((resolve, reject) => {
      const socket = new StreamSocket(target, events);
      socket.#open = { resolve: () => resolve(socket), reject };
    });
  }

  /** Whether the bytes have left: if not, they are borrowed until they have. */
  write(bytes: Buffer): boolean {
    if (this.#ended) return true;
    this.#socket.write(bytes);
    return this.#socket.writableLength === 0;
  }

  send(payload: Uint8Array): void {
    this.write(clientFrame(OPCODE.binary, payload).bytes);
  }

  close(): void {
    this.#ended = true;
    this.#socket.destroy();
  }

  #receive(buffer: Buffer, count: number): void {
    if (this.#ended) return;
    try {
      if (this.#upgraded) this.#frames.push(buffer.subarray(0, count), this.#frame);
      else this.#readHead(buffer, count);
    } catch (error) {
      this.#end(error instanceof Error ? error.message : String(error));
    }
  }

  #readHead(buffer: Buffer, count: number): void {
    this.#head += buffer.toString('latin1', 0, count);
    const end = this.#head.indexOf(END_OF_HEADERS);
    if (end < 0) return;
    const status = this.#head.slice(0, this.#head.indexOf('\r\n'));
    if (!status.startsWith('HTTP/1.1 101')) throw new Error(`the server answered ${status}`);
    const rest = this.#head.slice(end + END_OF_HEADERS.length);
    this.#head = '';
    this.#upgraded = true;
    this.#open?.resolve();
    this.#open = null;
    if (rest.length > 0) this.#frames.push(Buffer.from(rest, 'latin1'), this.#frame);
  }

  readonly #frame = (opcode: number, bytes: Buffer, start: number, end: number): void => {
    if (opcode === OPCODE.binary) this.#events.message(bytes, start, end);
    else if (opcode === OPCODE.text) this.#events.text?.(bytes.toString('utf8', start, end));
    else if (opcode === OPCODE.ping) this.write(clientFrame(OPCODE.pong, bytes.subarray(start, end)).bytes);
    else if (opcode === OPCODE.close) {
      const code = end - start >= 2 ? bytes.readUInt16BE(start) : 1005;
      this.#end(`the server closed the stream: ${code} ${bytes.toString('utf8', start + 2, end)}`);
    }
  };

  #end(reason: string): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#socket.destroy();
    if (this.#open !== null) this.#open.reject(new Error(reason));
    else this.#events.ended(reason);
    this.#open = null;
  }
}
