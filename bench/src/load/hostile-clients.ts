import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { encodeClientMessage, type FreshOpen, SUBPROTOCOL } from '@sinew/protocol';
import type { StreamTarget } from './stream-socket.js';
import { clientFrame, OPCODE } from './websocket-frames.js';

const SILENT = 1_000;
const NON_READERS = 4;
/** Each kind that is thrown out comes back this often, ms. */
const RETURN_MS = 50;
const NON_READER_SEND_MS = 20;
const GARBAGE_BYTES = 20_000;
const HUGE_BYTES = 100_000_000;
const HUGE_CHUNK = Buffer.alloc(64 * 1024, 0x91);

/** What they did and what became of them. */
export interface HostileRecord {
  connections: number;
  ended: number;
  bytes: number;
}

/**
 * Clients that mean no good, beside the robots that are measured: a thousand sockets that never say `open`, sessions that send
 * and never read, and, over and over, random bytes, text frames, frames that claim 100 MB, and half an upgrade.
 */
export class HostileClients {
  readonly record: HostileRecord = { connections: 0, ended: 0, bytes: 0 };
  readonly #target: StreamTarget;
  readonly #open: FreshOpen;
  readonly #sockets = new Set<Socket>();
  readonly #timers: NodeJS.Timeout[] = [];

  constructor(target: StreamTarget, open: FreshOpen) {
    this.#target = target;
    this.#open = open;
  }

  start(): void {
    for (let i = 0; i < SILENT; i++) this.#connect(() => {});
    for (let i = 0; i < NON_READERS; i++) this.#neverRead();
    const attacks = [
      (socket: Socket) => this.#send(socket, clientFrame(OPCODE.binary, randomBytes(GARBAGE_BYTES)).bytes),
      (socket: Socket) => this.#send(socket, clientFrame(OPCODE.text, Buffer.from('{"type":"open"}')).bytes),
      (socket: Socket) => this.#huge(socket),
    ];
    let turn = 0;
    this.#timers.push(
      setInterval(() => {
        const attack = attacks[turn++ % attacks.length];
        if (attack !== undefined) this.#connect(attack);
        this.#halfUpgrade();
      }, RETURN_MS),
    );
  }

  stop(): void {
    for (const timer of this.#timers) clearInterval(timer);
    for (const socket of this.#sockets) socket.destroy();
  }

  #socket(): Socket {
    const { host, port } = this.#target;
    const socket = connect({ host, port });
    this.record.connections++;
    this.#sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => {
      this.record.ended++;
      this.#sockets.delete(socket);
    });
    return socket;
  }

  /** `then` runs with the upgraded socket, whose further bytes nobody looks at. */
  #connect(then: (socket: Socket) => void): void {
    const socket = this.#socket();
    socket.once('data', () => {
      socket.resume();
      then(socket);
    });
    this.#send(socket, Buffer.from(this.#upgrade()));
  }

  #neverRead(): void {
    this.#connect((socket) => {
      socket.pause();
      this.#send(socket, clientFrame(OPCODE.binary, encodeClientMessage({ ...this.#open, control_hz: 100 })).bytes);
      // Each is answered, and no answer is read.
      const ping = clientFrame(OPCODE.binary, encodeClientMessage({ type: 'ping', sent_at_ms: 0 })).bytes;
      const timer = setInterval(() => {
        for (let i = 0; i < 4; i++) this.#send(socket, ping);
      }, NON_READER_SEND_MS);
      this.#timers.push(timer);
      socket.on('close', () => clearInterval(timer));
    });
  }

  #huge(socket: Socket): void {
    const head = Buffer.alloc(14);
    head[0] = 0x80 | OPCODE.binary;
    head[1] = 0x80 | 127;
    head.writeUInt32BE(HUGE_BYTES, 6);
    this.#send(socket, Buffer.concat([head, HUGE_CHUNK]));
  }

  #halfUpgrade(): void {
    const socket = this.#socket();
    this.#send(socket, Buffer.from('GET /v1/stream HTTP/1.1\r\nHost: x\r\nUpgrade: webso'));
    this.#timers.push(setTimeout(() => socket.destroy(), 2_000));
  }

  #send(socket: Socket, bytes: Uint8Array): void {
    if (!socket.writable) return;
    this.record.bytes += bytes.length;
    socket.write(bytes);
  }

  #upgrade(): string {
    const { host, port, path, key } = this.#target;
    return [
      `GET ${path} HTTP/1.1`,
      `Host: ${host}:${port}`,
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`,
      `Sec-WebSocket-Protocol: ${SUBPROTOCOL}`,
      `Authorization: Bearer ${key}`,
      '',
      '',
    ].join('\r\n');
  }
}
