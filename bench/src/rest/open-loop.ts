import { Agent, request } from 'node:http';
import { Latencies } from '../stats/latencies.js';

export interface OpenLoopOptions {
  readonly port: number;
  readonly path: string;
  readonly key: string;
  readonly rate: number;
  /** The body of the n-th request. */
  readonly body: (n: number) => string;
}

const SOCKETS = 64;

/**
 * POSTs at a fixed rate, whether or not the earlier ones were answered; a latency counts from the intended time, so that a
 * server that stalls is not spared the requests that would have met it.
 */
export class OpenLoop {
  readonly latency = new Latencies();
  readonly sendLag = new Latencies();
  readonly statuses: Record<string, number> = {};
  sent = 0;
  readonly #options: OpenLoopOptions;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: SOCKETS });
  readonly #pending = new Set<Promise<void>>();
  #timer: NodeJS.Timeout | null = null;
  #measuring = false;

  constructor(options: OpenLoopOptions) {
    this.#options = options;
  }

  start(): void {
    const beganMs = performance.now();
    const everyMs = 1_000 / this.#options.rate;
    let n = 0;
    const wake = (): void => {
      for (let dueMs = beganMs + n * everyMs; dueMs <= performance.now(); dueMs = beganMs + n * everyMs) {
        this.#post(n++, dueMs);
      }
      this.#timer = setTimeout(wake, Math.max(0, Math.floor(beganMs + n * everyMs - performance.now())));
    };
    wake();
  }

  measure(on: boolean): void {
    this.#measuring = on;
  }

  /** No more are sent; resolves when all are answered. */
  async stop(): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    await Promise.all(this.#pending);
    this.#agent.destroy();
  }

  #post(n: number, dueMs: number): void {
    const measured = this.#measuring;
    if (measured) {
      this.sent++;
      this.sendLag.record(performance.now() - dueMs);
    }
    const answered = this.#request(this.#options.body(n)).then((status) => {
      if (!measured) return;
      this.statuses[status] = (this.statuses[status] ?? 0) + 1;
      this.latency.record(performance.now() - dueMs);
    });
    this.#pending.add(answered);
    void answered.finally(() => this.#pending.delete(answered));
  }

  #request(body: string): Promise<string> {
    const { key, path, port } = this.#options;
    return new Promise((resolve) => {
      const sent = request(
        {
          agent: this.#agent,
          host: '127.0.0.1',
          port,
          path,
          method: 'POST',
          headers: {
            Authorization: `Bearer ${key}`,
            'Content-Type': 'application/json',
            'Content-Length': Buffer.byteLength(body),
          },
        },
        (answer) => {
          answer.resume();
          answer.on('end', () => resolve(String(answer.statusCode)));
          answer.on('error', (error) => resolve(error.message));
        },
      );
      sent.on('error', (error) => resolve(error.message));
      sent.end(body);
    });
  }
}
