import { Agent, request as httpRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { request as httpsRequest, Agent as TlsAgent } from 'node:https';
import { reasonOf } from '../remote/fault-line.js';
import { ServerLostError } from '../remote/remote-server.js';

export interface HttpReply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface HttpRequest {
  readonly method: 'GET' | 'POST';
  /** Below the server's own path, no `/` in front. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent one after the other, never copied; must not change before the reply. */
  readonly body?: readonly Uint8Array[];
  /** A reply that is larger is not read to its end. */
  readonly maxReplyBytes: number;
  readonly signal: AbortSignal;
}

/** Closed by us when they were idle for so long: sooner than servers and what stands before them do. */
const IDLE_MS = 30_000;

/** Connections to one server that are used again and again. Redirects are not followed. */
export class HttpConnections {
  readonly #base: URL;
  readonly #token: string | null;
  readonly #connections: number;
  #agent: Agent;

  /** `token` goes along as a bearer token. */
  constructor(url: string, connections: number, token: string | null) {
    this.#base = new URL(url.endsWith('/') ? url : `${url}/`);
    this.#token = token;
    this.#connections = connections;
    this.#agent = this.#newAgent();
  }

  /** Throws a ServerLostError where no whole reply comes. */
  async send(request: HttpRequest): Promise<HttpReply> {
    try {
      return await this.#once(request);
    } catch (error) {
      if (!(error instanceof StaleConnection)) throw error;
    }
    // Most likely the server had closed the connection while it was idle, and has not seen the request: once more. Or it died
    // of the request, which then is not there to take it again.
    try {
      return await this.#once(request);
    } catch (error) {
      throw new ServerLostError(reasonOf(error), true, error);
    }
  }

  /** Breaks off what is in flight. */
  disconnect(): void {
    this.#agent.destroy();
    this.#agent = this.#newAgent();
  }

  #newAgent(): Agent {
    // One more than batches, for health checks.
    const options = { keepAlive: true, maxSockets: this.#connections + 1, timeout: IDLE_MS, noDelay: true } as const;
    return this.#base.protocol === 'https:' ? new TlsAgent(options) : new Agent(options);
  }

  #once({ method, path, headers = {}, body = [], maxReplyBytes, signal }: HttpRequest): Promise<HttpReply> {
    const length = body.reduce((sum, { byteLength }) => sum + byteLength, 0);
    return new Promise((resolve, reject) => {
      const open = this.#base.protocol === 'https:' ? httpsRequest : httpRequest;
      const request = open(new URL(path, this.#base), {
        method,
        agent: this.#agent,
        signal,
        headers: {
          ...headers,
          ...(this.#token === null ? {} : { authorization: `Bearer ${this.#token}` }),
          ...(method === 'POST' ? { 'content-length': String(length) } : {}),
        },
      });
      let answered = false;
      let connected = false;
      request.on('socket', (socket) => {
        if (!socket.connecting) connected = true;
        else
          socket.once('connect', () => {
            connected = true;
          });
      });
      request.on('response', (response) => {
        answered = true;
        readAll(response, maxReplyBytes).then(
          (bytes) => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: bytes }),
          (error: unknown) => reject(new ServerLostError(reasonOf(error), true, error)),
        );
      });
      request.on('error', (error: NodeJS.ErrnoException) => {
        if (!answered && request.reusedSocket && error.code === 'ECONNRESET' && !signal.aborted)
          reject(new StaleConnection());
        else reject(new ServerLostError(told(error), connected, error));
      });
      for (const part of body) request.write(part);
      request.end();
    });
  }
}

class StaleConnection extends Error {}

/** Several addresses that failed alike come as one error without a text. */
function told(error: NodeJS.ErrnoException): string {
  return error.message === '' ? (error.code ?? error.name) : error.message;
}

async function readAll(response: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of response as AsyncIterable<Buffer>) {
    size += part.length;
    if (size > maxBytes) {
      response.destroy();
      throw new Error(`the reply is longer than ${maxBytes} bytes`);
    }
    parts.push(part);
  }
  return Buffer.concat(parts, size);
}
