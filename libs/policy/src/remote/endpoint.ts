import type { ServerStats, WarmUp } from '../backend/policy-backend.js';
import { BundleError } from '../bundle/bundle-error.js';
import type { RowFault } from '../onnx/messages.js';
import { reasonOf } from './fault-line.js';
import type { RemoteBatch, RemoteServer } from './remote-server.js';
import { withoutSecrets } from './server-url.js';

/** Before a server that failed is tried again; doubles with each failure, up to the maximum. Milliseconds. */
const FIRST_BACKOFF_MS = 100;
const MAX_BACKOFF_MS = 5_000;
/** How often a server that is idle is asked whether it still serves. */
const CHECK_EVERY_MS = 2_000;
const CHECK_TIMEOUT_MS = 2_000;
/** Loading and warming up a large model takes its time, on somebody else's machine. */
const PREPARE_TIMEOUT_MS = 300_000;

export interface EndpointEvents {
  /** It can take batches again, or cannot any more. */
  changed(): void;
  /** Its model is another than the manifest's, or it could not be reached; it is tried again in any case. */
  refused(error: unknown): void;
}

/** One server of a remote policy: taken out when it fails, tried again until it serves. */
export class Endpoint {
  /** As it may be shown. */
  readonly url: string;
  readonly #server: RemoteServer;
  readonly #events: EndpointEvents;
  #state: ServerStats['state'] = 'connecting';
  #timer: NodeJS.Timeout | undefined;
  #probing = new AbortController();
  #failuresInRow = 0;
  #failures = 0;
  #lastFault: string | null = null;
  #batches = 0;
  #inFlight = 0;
  #answeredAtMs = 0;
  warmUp: readonly WarmUp[] = [];
  warnings: readonly string[] = [];

  constructor(url: string, server: RemoteServer, events: EndpointEvents) {
    this.url = withoutSecrets(url);
    this.#server = server;
    this.#events = events;
  }

  get available(): boolean {
    return this.#state === 'ready';
  }

  /** Takes the server in as soon as it serves. */
  start(): void {
    void this.#take();
  }

  /** Throws what the server's `run` throws; what that means for the server is said by `lose`. */
  async run(connection: number, batch: RemoteBatch, signal: AbortSignal): Promise<RowFault[]> {
    this.#inFlight++;
    try {
      const faults = await this.#server.run(connection, batch, signal);
      this.#batches++;
      this.#failuresInRow = 0;
      this.#answeredAtMs = performance.now();
      return faults;
    } finally {
      this.#inFlight--;
    }
  }

  /** Takes the server out; it is tried again after a while, and warmed up again: it may be another process by then. */
  lose(reason: string): void {
    if (this.#state === 'ready') this.#fail(reason);
  }

  stats(): ServerStats {
    return {
      url: this.url,
      state: this.#state,
      failures: this.#failures,
      lastFault: this.#lastFault,
      batches: this.#batches,
      inFlight: this.#inFlight,
    };
  }

  close(): void {
    this.#state = 'closed';
    clearTimeout(this.#timer);
    this.#probing.abort();
    this.#server.disconnect();
  }

  async #take(): Promise<void> {
    const signal = this.#deadline(PREPARE_TIMEOUT_MS);
    try {
      const { warmUp, warnings } = await this.#server.prepare(signal);
      if (this.#state === 'closed') return;
      this.warmUp = warmUp;
      this.warnings = warnings;
      this.#state = 'ready';
      this.#answeredAtMs = performance.now();
      this.#checkLater();
      this.#events.changed();
    } catch (error) {
      if (this.#state === 'closed') return;
      this.#fail(error instanceof BundleError ? `${error.field}: ${error.reason}` : reasonOf(error));
      this.#events.refused(error);
    }
  }

  #fail(reason: string): void {
    const news = this.#state !== 'failed';
    this.#state = 'failed';
    this.#failures++;
    this.#lastFault = reason;
    clearTimeout(this.#timer);
    this.#server.disconnect();
    const backoff = Math.min(MAX_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** this.#failuresInRow++);
    this.#timer = setTimeout(() => void this.#take(), backoff);
    this.#timer.unref();
    if (news) this.#events.changed();
  }

  #checkLater(): void {
    this.#timer = setTimeout(() => void this.#check(), CHECK_EVERY_MS);
    this.#timer.unref();
  }

  /**
   * A server that dies while nobody asks it would else be found dead by the next batch. One that computes may answer nothing else
   * meanwhile, as openpi's own does: its batch has a deadline.
   */
  async #check(): Promise<void> {
    if (this.#inFlight === 0 && performance.now() - this.#answeredAtMs >= CHECK_EVERY_MS) {
      try {
        await this.#server.check(this.#deadline(CHECK_TIMEOUT_MS));
      } catch (error) {
        // Answers that came meanwhile say more than a check that was late.
        const silent = performance.now() - this.#answeredAtMs >= CHECK_TIMEOUT_MS;
        if (silent && this.#inFlight === 0) this.lose(reasonOf(error));
      }
    }
    if (this.#state === 'ready') this.#checkLater();
  }

  #deadline(ms: number): AbortSignal {
    this.#probing = new AbortController();
    return AbortSignal.any([this.#probing.signal, AbortSignal.timeout(ms)]);
  }
}
