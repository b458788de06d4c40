import {
  decodeOpenpi,
  encodeOpenpi,
  float64Array,
  isNdArray,
  type NdArray,
  numbersOf,
  type OpenpiValue,
  uint8Array,
} from '@sinew/protocol/openpi';
import { WebSocket } from 'ws';
import { KEY } from './test-gateway.js';

type Frame = OpenpiValue | { readonly text: string };
export type OpenpiReply = { readonly [key: string]: OpenpiValue } & { readonly actions: NdArray };

/** A client of the openpi wire as openpi's own is one: metadata first, then one reply a request, in order. */
export class OpenpiTestClient {
  readonly socket: WebSocket;
  readonly #frames: Frame[] = [];
  #closed: { code: number; reason: string } | null = null;
  #wake: () => void = () => {};

  private constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on('message', (data: Buffer, isBinary) => {
      if (!isBinary) this.#frames.push({ text: data.toString() });
      else {
        const decoded = decodeOpenpi(new Uint8Array(data));
        if (!decoded.ok) throw new Error(decoded.reason);
        this.#frames.push(decoded.value);
      }
      this.#wake();
    });
    socket.on('close', (code, reason) => {
      this.#closed = { code, reason: reason.toString() };
      this.#wake();
    });
    socket.on('error', () => this.#wake());
  }

  /** Rejects with `HTTP <status>` and the body where the upgrade was refused. */
  static async connect(url: string, headers: Record<string, string> = { Authorization: `Api-Key ${KEY}` }) {
    const socket = new WebSocket(url, { headers, perMessageDeflate: false });
    const client = new OpenpiTestClient(socket);
    await new Promise<void>((resolve, reject) => {
      socket.once('open', resolve);
      socket.once('error', reject);
      socket.once('unexpected-response', (_, res) => {
        let body = '';
        res.on('data', (part: Buffer) => {
          body += part.toString();
        });
        res.on('end', () => reject(new Error(`HTTP ${res.statusCode} ${body}`)));
      });
    });
    return client;
  }

  send(value: OpenpiValue): void {
    this.socket.send(encodeOpenpi(value));
  }

  async next(): Promise<Frame> {
    for (;;) {
      const frame = this.#frames.shift();
      if (frame !== undefined) return frame;
      if (this.#closed !== null) throw new Error(`closed ${this.#closed.code} ${this.#closed.reason}`);
      await this.#change();
    }
  }

  async text(): Promise<string> {
    const frame = await this.next();
    if (typeof frame === 'object' && frame !== null && 'text' in frame) return String(frame.text);
    throw new Error(`a binary frame: ${JSON.stringify(frame).slice(0, 200)}`);
  }

  async metadata(): Promise<Record<string, OpenpiValue>> {
    return (await this.next()) as Record<string, OpenpiValue>;
  }

  async infer(observation: OpenpiValue): Promise<OpenpiReply> {
    this.send(observation);
    const reply = await this.next();
    if (typeof reply === 'object' && reply !== null && 'text' in reply) throw new Error(String(reply.text));
    return reply as OpenpiReply;
  }

  async closed(): Promise<{ code: number; reason: string }> {
    while (this.#closed === null) await this.#change();
    return this.#closed;
  }

  close(): void {
    this.socket.close();
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}

export const PICTURE = uint8Array([96, 96, 3], new Uint8Array(96 * 96 * 3).fill(127));
export const REST = [0, 0, 0.2, 0, 0, 0, 1] as const;

export function openpiObservation(more: Readonly<Record<string, OpenpiValue>> = {}): Record<string, OpenpiValue> {
  return { images: { main: PICTURE }, state: float64Array([7], REST), prompt: 'pick up the red cube', ...more };
}

/** The rows of a reply's actions. */
export function rows(actions: OpenpiValue | undefined): number[][] {
  if (!isNdArray(actions)) throw new Error('no actions');
  const [length = 0, dim = 0] = actions.shape;
  const values = numbersOf(actions);
  return Array.from({ length }, (_, i) => [...values.subarray(i * dim, (i + 1) * dim)]);
}
