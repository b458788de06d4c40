import { decodeOpenpi, type OpenpiValue } from '@sinew/protocol/openpi';
import { type RawData, WebSocket } from 'ws';
import { faultLine, reasonOf } from '../remote/fault-line.js';
import { ServerLostError } from '../remote/remote-server.js';

/** Actions of any policy are far smaller; some servers send what they computed along. */
const MAX_REPLY_BYTES = 16 * 1_048_576;

export type SocketReply =
  | { readonly kind: 'map'; readonly map: { readonly [key: string]: OpenpiValue } }
  /** The server's account of a fault: a traceback, mostly. It closes the connection then. */
  | { readonly kind: 'error'; readonly text: string };

interface Waiting {
  resolve(reply: SocketReply): void;
  reject(error: ServerLostError): void;
}

/**
 * One connection to an openpi policy server. The server speaks first; then one request is in flight at most, because requests
 * carry no number: an answer that comes late would be taken for that of the next. So whoever gives up waiting ends the connection.
 */
export class PolicySocket {
  readonly #socket: WebSocket;
  #waiting: Waiting | null = null;
  #problem = '';

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on('message', (data, isBinary) => this.#received(data, isBinary));
    // `close` follows.
    socket.on('error', (error) => {
      this.#problem = reasonOf(error);
    });
    socket.on('close', (code, reason) => {
      const why = reason.toString() || this.#problem || `the connection ended (${code})`;
      this.#settle()?.reject(new ServerLostError(why, true));
    });
  }

  /** Resolves when the server has spoken. Throws a ServerLostError: nothing was begun. */
  static async open(url: string, token: string | null, signal: AbortSignal): Promise<PolicySocket> {
    const socket = new WebSocket(url, {
      // What openpi's own client sends.
      headers: token === null ? {} : { Authorization: `Api-Key ${token}` },
      perMessageDeflate: false,
      maxPayload: MAX_REPLY_BYTES,
      followRedirects: false,
    });
    const connection = new PolicySocket(socket);
    try {
      const hello = await connection.#reply(signal);
      if (hello.kind === 'error') throw new Error(faultLine(hello.text));
      return connection;
    } catch (error) {
      socket.terminate();
      throw new ServerLostError(reasonOf(error), false, error);
    }
  }

  get open(): boolean {
    return this.#socket.readyState === WebSocket.OPEN;
  }

  /** Sends one message and waits for its answer. Throws a ServerLostError. */
  async request(bytes: Uint8Array, signal: AbortSignal): Promise<SocketReply> {
    if (!this.open) throw new ServerLostError(this.#problem || 'the connection ended', false);
    if (this.#waiting !== null) throw new TypeError('a request is in flight on this connection');
    const reply = this.#reply(signal);
    this.#socket.send(bytes);
    return await reply;
  }

  /** Whether the other side is there, as the WebSocket protocol asks it. Throws where it does not say. */
  async ping(signal: AbortSignal): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      if (!this.open) return reject(new Error('the connection ended'));
      const fail = () => reject(new Error('the connection does not answer'));
      signal.addEventListener('abort', fail, { once: true });
      this.#socket.once('close', fail);
      this.#socket.once('pong', () => {
        signal.removeEventListener('abort', fail);
        this.#socket.off('close', fail);
        resolve();
      });
      this.#socket.ping();
    });
  }

  end(): void {
    this.#socket.terminate();
  }

  #reply(signal: AbortSignal): Promise<SocketReply> {
    return new Promise((resolve, reject) => {
      const give = () => {
        this.#settle()?.reject(new ServerLostError('no answer in time', true));
        this.#socket.terminate();
      };
      const done = () => signal.removeEventListener('abort', give);
      this.#waiting = {
        resolve: (reply) => {
          done();
          resolve(reply);
        },
        reject: (error) => {
          done();
          reject(error);
        },
      };
      if (signal.aborted) give();
      else signal.addEventListener('abort', give, { once: true });
    });
  }

  #received(data: RawData, isBinary: boolean): void {
    const waiting = this.#settle();
    // An answer to nothing: the next one could be paired with the wrong question.
    if (waiting === null) return this.#broken('the server spoke out of turn');
    const bytes = Array.isArray(data) ? Buffer.concat(data) : new Uint8Array(data as Buffer);
    if (!isBinary) return waiting.resolve({ kind: 'error', text: new TextDecoder().decode(bytes) });
    const decoded = decodeOpenpi(bytes);
    const fault = decoded.ok ? (isMap(decoded.value) ? null : 'a message that is no map') : decoded.reason;
    if (fault === null && decoded.ok) return waiting.resolve({ kind: 'map', map: decoded.value as Map_ });
    waiting.reject(new ServerLostError(`the server sent ${fault}`, true));
    this.#broken('');
  }

  #broken(problem: string): void {
    this.#problem = problem;
    this.#socket.terminate();
  }

  #settle(): Waiting | null {
    const waiting = this.#waiting;
    this.#waiting = null;
    return waiting;
  }
}

type Map_ = { readonly [key: string]: OpenpiValue };

const isMap = (value: OpenpiValue): value is Map_ =>
  typeof value === 'object' &&
  value !== null &&
  !Array.isArray(value) &&
  Object.getPrototypeOf(value) !== Uint8Array.prototype;
