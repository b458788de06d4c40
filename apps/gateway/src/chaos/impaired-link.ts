import { connect, createServer, type Server, type Socket } from 'node:net';
import { Chance } from './seed.js';

/** How a link treats what goes over it, each way. Nothing is lost or reordered: TCP hides that, and shows it as waiting. */
export interface Impairment {
  /** Each way, ms. */
  readonly delayMs?: number;
  /** Added at random, up to so much, ms. */
  readonly jitterMs?: number;
  /** Share of the pieces that stand for a lost packet: all behind it wait for its retransmission. */
  readonly loss?: number;
  /** Each way, bytes a second. */
  readonly bytesPerSecond?: number;
}

/** A lost packet is sent again after Linux's least retransmission timeout at the earliest, twice that when lost again. */
const RETRANSMIT_MS = 200;

/**
 * A bad network between robots and a server, made of nothing but a proxy, so that it can be had anywhere: latency, jitter,
 * lost packets (as the waiting that TCP makes of them), little bandwidth, and, on demand, silence, half of it, or cuts.
 */
export class ImpairedLink {
  readonly #pipes = new Set<Pipe>();
  readonly #server: Server;
  #impairment: Impairment = {};
  #silent = false;

  private constructor(
    target: { readonly host: string; readonly port: number },
    readonly chance: Chance,
  ) {
    this.#server = createServer({ noDelay: true }, (client) => {
      const server = connect({ ...target, noDelay: true });
      const pair = [this.#pipe(client, server, 'up'), this.#pipe(server, client, 'down')];
      const end = (): void => {
        for (const pipe of pair) {
          this.#pipes.delete(pipe);
          pipe.end();
        }
        client.destroy();
        server.destroy();
      };
      for (const pipe of pair) {
        pipe.from.on('error', end);
        // What was sent before an orderly end still arrives, and then the end.
        pipe.from.on('close', () => {
          if (!pipe.finishing) end();
        });
        pipe.from.on('end', () => pipe.finish(end));
      }
    });
  }

  static async start(port: number, seed: number): Promise<ImpairedLink> {
    const link = new ImpairedLink({ host: '127.0.0.1', port }, new Chance(seed));
    await new Promise<void>((resolve, reject) => {
      link.#server.once('error', reject);
      link.#server.listen(0, '127.0.0.1', resolve);
    });
    return link;
  }

  get port(): number {
    const address = this.#server.address();
    return address !== null && typeof address !== 'string' ? address.port : 0;
  }

  get connections(): number {
    return this.#pipes.size / 2;
  }

  impair(impairment: Impairment): void {
    this.#impairment = impairment;
  }

  /** Nothing arrives at the other end for so long, then all of it at once. `only`: one direction. */
  stall(ms: number, only?: Direction): void {
    for (const pipe of this.#pipes) if (only === undefined || pipe.direction === only) pipe.stall(ms);
  }

  /** From now on the connections that there are carry nothing, and nobody is told: a cable pulled out. New ones work. */
  forget(): void {
    for (const pipe of this.#pipes) pipe.stall(Number.POSITIVE_INFINITY);
  }

  /** All connections break. */
  cut(): void {
    for (const pipe of this.#pipes) {
      pipe.end();
      pipe.from.destroy();
    }
    this.#pipes.clear();
  }

  /** While silent, new connections are taken and carry nothing. */
  silence(silent: boolean): void {
    this.#silent = silent;
    this.stall(silent ? Number.POSITIVE_INFINITY : 0);
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.cut();
    await closed;
  }

  #pipe(from: Socket, to: Socket, direction: Direction): Pipe {
    const pipe = new Pipe(from, to, direction, this.chance, () => this.#impairment);
    if (this.#silent) pipe.stall(Number.POSITIVE_INFINITY);
    this.#pipes.add(pipe);
    return pipe;
  }
}

type Direction = 'up' | 'down';

/** Bytes that may be on their way; a sender that has more waits, as with a socket's buffers. */
const WINDOW_BYTES = 262_144;

/** One direction of one connection: what came leaves in order, each piece not before its time. */
class Pipe {
  readonly #waiting: { readonly bytes: Buffer; readonly at: number }[] = [];
  #timer: NodeJS.Timeout | null = null;
  #lastAt = 0;
  #stalledUntil = 0;
  #held = 0;
  #ended = false;
  #finished: (() => void) | null = null;

  constructor(
    readonly from: Socket,
    private readonly to: Socket,
    readonly direction: Direction,
    private readonly chance: Chance,
    private readonly impairment: () => Impairment,
  ) {
    from.on('data', (bytes) => this.#take(bytes));
  }

  stall(ms: number): void {
    this.#stalledUntil = ms === 0 ? 0 : performance.now() + ms;
    this.#arm();
  }

  get finishing(): boolean {
    return this.#finished !== null;
  }

  /** Nothing more comes: calls back when all that did has been delivered. */
  finish(finished: () => void): void {
    this.#finished = finished;
    this.#arm();
  }

  end(): void {
    this.#ended = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #take(bytes: Buffer): void {
    const { delayMs = 0, jitterMs = 0, loss = 0, bytesPerSecond } = this.impairment();
    const now = performance.now();
    let at = now + delayMs + jitterMs * this.chance.next();
    for (let again = RETRANSMIT_MS; loss > 0 && this.chance.next() < loss; again *= 2) at += again;
    const sending = bytesPerSecond === undefined ? 0 : (bytes.length / bytesPerSecond) * 1000;
    this.#lastAt = Math.max(at, this.#lastAt) + sending;
    this.#waiting.push({ bytes, at: this.#lastAt });
    this.#held += bytes.length;
    if (this.#held > WINDOW_BYTES) this.from.pause();
    this.#arm();
  }

  #arm(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (this.#ended || this.#stalledUntil === Number.POSITIVE_INFINITY) return;
    const first = this.#waiting[0];
    if (first === undefined && this.#finished === null) return;
    const wait = Math.max(first?.at ?? 0, this.#stalledUntil) - performance.now();
    this.#timer = setTimeout(() => this.#deliver(), Math.max(0, wait));
  }

  #deliver(): void {
    this.#timer = null;
    const now = performance.now() + 0.5;
    while (now >= this.#stalledUntil) {
      const first = this.#waiting[0];
      if (first === undefined || first.at > now) break;
      this.#waiting.shift();
      this.#held -= first.bytes.length;
      if (this.to.writable) this.to.write(first.bytes);
    }
    if (this.#held <= WINDOW_BYTES && this.from.isPaused()) this.from.resume();
    if (this.#finished === null || this.#waiting.length > 0 || now < this.#stalledUntil) this.#arm();
    else this.to.end(this.#finished);
  }
}
