import { rootCertificates } from 'node:tls';
import { SinewError } from '@sinew/protocol';
import { decodeOpenpi, encodeOpenpi, type OpenpiValue } from '@sinew/protocol/openpi';
import { ConnectionError } from '@sinew/sdk';
import { WebSocket } from 'ws';

export type OpenpiMap = { readonly [key: string]: OpenpiValue };

const HANDSHAKE_TIMEOUT_MS = 10_000;
const MAX_REFUSAL_BYTES = 65_536;

/**
 * A client of the openpi wire, as openpi's own is one: it waits for the metadata, then for one reply a request, for as long as
 * that takes. A text in place of a reply is an error.
 */
export class OpenpiClient {
  readonly #socket: WebSocket;
  readonly #frames: (OpenpiMap | Error)[] = [];
  #wake: (() => void) | null = null;
  #ended: Error | null = null;
  metadata: OpenpiMap = {};

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on('message', (data: Buffer, isBinary) => this.#push(isBinary ? mapOf(data) : new Error(data.toString())));
    // `close` follows every error.
    let problem = '';
    socket.on('error', (error) => {
      problem = error.message;
    });
    socket.on('close', (code, reason) => {
      this.#ended ??= new ConnectionError(`the connection ended: ${reason.toString() || problem || code}`, code);
      this.#wake?.();
    });
    socket.on('unexpected-response', (request, response) => {
      let body = '';
      response.on('data', (part: Buffer) => {
        if (body.length < MAX_REFUSAL_BYTES) body += part.toString();
      });
      response.once('close', () => {
        this.#ended = refusalOf(response.statusCode ?? 0, body);
        this.#wake?.();
        request.destroy();
      });
    });
  }

  /** @param ca PEM, trusted beside the known authorities. Throws what refused the connection. */
  static async connect(url: string, apiKey: string, ca: string | null): Promise<OpenpiClient> {
    const socket = new WebSocket(url, {
      ...(ca === null ? {} : { ca: [...rootCertificates, ca] }),
      headers: { Authorization: `Api-Key ${apiKey}` },
      perMessageDeflate: false,
      handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
    });
    const client = new OpenpiClient(socket);
    client.metadata = await client.#next();
    return client;
  }

  async infer(observation: OpenpiMap): Promise<OpenpiMap> {
    this.#socket.send(encodeOpenpi(observation));
    return this.#next();
  }

  close(): void {
    this.#ended ??= new ConnectionError('closed', 1000);
    this.#socket.close(1000);
    this.#wake?.();
  }

  #push(frame: OpenpiMap | Error): void {
    this.#frames.push(frame);
    this.#wake?.();
  }

  async #next(): Promise<OpenpiMap> {
    for (;;) {
      const frame = this.#frames.shift();
      if (frame instanceof Error) throw frame;
      if (frame !== undefined) return frame;
      if (this.#ended !== null) throw this.#ended;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = null;
    }
  }
}

function mapOf(data: Buffer): OpenpiMap | Error {
  const decoded = decodeOpenpi(data);
  if (!decoded.ok) return new Error(`the server sent something else: ${decoded.reason}`);
  const { value } = decoded;
  const isMap = typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array);
  return isMap ? (value as OpenpiMap) : new Error('the server sent no map');
}

/** The REST error body of a refused upgrade. */
function refusalOf(status: number, body: string): Error {
  try {
    const { message } = JSON.parse(body) as { message?: unknown };
    if (typeof message === 'string')
      return new SinewError(status === 401 ? 'unauthorized' : 'validation_failed', message);
  } catch {
    // a proxy's page, not our server's answer
  }
  return new ConnectionError(`the server refused the connection with HTTP ${status}`, 1006);
}
