import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { Backoff } from './backoff.js';
import type { Clock } from './clock.js';
import { ReadyGate } from './ready-gate.js';

/** One JSON line a child prints on stdout. `{"event":"ready", …}` opens its gate. */
export type ChildLine = Readonly<Record<string, unknown>>;

export interface ProcessSpec {
  readonly name: string;
  /** The JavaScript file that node runs. */
  readonly entry: string;
  readonly args?: readonly string[];
  /** Asked before every start, so that what was learned from the last one (its port) can be given back. */
  environment(): Readonly<Record<string, string | undefined>>;
  /** From spawning to the ready line; slower than this counts as a crash. */
  readonly readyWithinMs: number;
  /** From SIGTERM to SIGKILL. */
  readonly stopWithinMs: number;
  /** Processes that have to be ready before this one is (re)started. */
  readonly needs: readonly SupervisedProcess[];
}

export type ProcessEvent =
  | { readonly type: 'started'; readonly pid: number }
  | { readonly type: 'ready'; readonly line: ChildLine }
  /** Any other JSON object, on stdout or through the IPC channel. */
  | { readonly type: 'line'; readonly line: ChildLine }
  /** What the child wrote to stderr, or to stdout without being JSON. */
  | { readonly type: 'log'; readonly text: string }
  | { readonly type: 'exited'; readonly exit: Exit; readonly restartInMs: number | null };

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** It never became ready in this life. */
  readonly beforeReady: boolean;
  /** The last lines of its log: why it died, as far as it said. */
  readonly lastWords: readonly string[];
}

const LAST_WORDS = 12;

/**
 * Keeps one child process alive: starts it when what it needs is ready, restarts it with backoff when it exits, stops it
 * when told. Children run in a process group of their own: a Ctrl-C at the terminal reaches only the supervisor, which
 * then stops them in order. They hold an IPC channel and a stdin pipe; both close when the supervisor dies, however it
 * dies, and that is their sign to leave.
 */
export class SupervisedProcess {
  readonly #gate = new ReadyGate<ChildLine>();
  readonly #stopping = new AbortController();
  readonly #backoff = new Backoff();
  #child: ChildProcess | null = null;
  #running: Promise<void> | null = null;

  constructor(
    readonly spec: ProcessSpec,
    private readonly clock: Clock,
    private readonly report: (event: ProcessEvent, from: SupervisedProcess) => void,
  ) {}

  get name(): string {
    return this.spec.name;
  }

  get pid(): number | null {
    return this.#child?.pid ?? null;
  }

  get isReady(): boolean {
    return this.#gate.value !== undefined;
  }

  /** Starts keeping it alive; returns at once. */
  start(): void {
    this.#running ??= this.#keepAlive();
  }

  /** Its ready line, now or after the next start; undefined when `signal` aborts or it is stopped first. */
  whenReady(signal?: AbortSignal): Promise<ChildLine | undefined> {
    const signals = [this.#stopping.signal, ...(signal === undefined ? [] : [signal])];
    return this.#gate.wait(AbortSignal.any(signals));
  }

  /** SIGTERM, and SIGKILL after `stopWithinMs`. Resolves when the process is gone and stays gone. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    const child = this.#child;
    if (child !== null) {
      const gone = new AbortController();
      child.once('exit', () => gone.abort());
      child.kill('SIGTERM');
      void this.clock.sleep(this.spec.stopWithinMs, gone.signal).then(() => child.kill('SIGKILL'));
    }
    await this.#running;
  }

  /** No grace: the second Ctrl-C. */
  kill(): void {
    this.#stopping.abort();
    this.#child?.kill('SIGKILL');
  }

  async #keepAlive(): Promise<void> {
    const stop = this.#stopping.signal;
    while (!stop.aborted) {
      for (const needed of this.spec.needs) await needed.whenReady(stop);
      if (stop.aborted) return;
      const started = this.clock.now();
      const exit = await this.#live();
      if (stop.aborted) {
        this.report({ type: 'exited', exit, restartInMs: null }, this);
        return;
      }
      const restartInMs = this.#backoff.delayMs(this.clock.now() - started);
      this.report({ type: 'exited', exit, restartInMs }, this);
      await this.clock.sleep(restartInMs, stop);
    }
  }

  /** One life: from spawn to exit. */
  #live(): Promise<Exit> {
    const lastWords: string[] = [];
    let ready = false;
    const child = spawn(process.execPath, [this.spec.entry, ...(this.spec.args ?? [])], {
      env: { ...process.env, ...this.spec.environment() },
      stdio: ['pipe', 'pipe', 'pipe', 'ipc'],
      detached: true,
    });
    this.#child = child;
    const heard = (text: string): void => {
      lastWords.push(text);
      if (lastWords.length > LAST_WORDS) lastWords.shift();
      this.report({ type: 'log', text }, this);
    };
    const lines = [
      readLines(child.stderr, heard),
      readLines(child.stdout, (text) => {
        const line = parseLine(text);
        if (line === null) return heard(text);
        if (line.event !== 'ready') return this.report({ type: 'line', line }, this);
        ready = true;
        this.#gate.open(line);
        this.report({ type: 'ready', line }, this);
      }),
    ];
    const exited = new AbortController();
    void this.clock.sleep(this.spec.readyWithinMs, exited.signal).then(() => {
      if (ready || exited.signal.aborted) return;
      heard(`not ready after ${this.spec.readyWithinMs / 1000} s`);
      child.kill('SIGKILL');
    });
    // Messages that nobody listens for would be kept in memory, all of them.
    child.on('message', (message) => {
      if (typeof message === 'object') this.report({ type: 'line', line: message as ChildLine }, this);
    });
    // A stopped reader is no reason to die: a child that is gone closes these pipes by itself.
    child.stdin?.on('error', () => undefined);
    if (child.pid !== undefined) this.report({ type: 'started', pid: child.pid }, this);
    return new Promise((resolve) => {
      const finish = async (code: number | null, signal: NodeJS.Signals | null): Promise<void> => {
        this.#gate.close();
        this.#child = null;
        exited.abort();
        // Grandchildren may hold the pipes open: give the last words a moment, not forever.
        const closed = new AbortController();
        await Promise.race([Promise.all(lines), this.clock.sleep(200, closed.signal)]);
        closed.abort();
        resolve({ code, signal, beforeReady: !ready, lastWords });
      };
      child.once('exit', (code, signal) => void finish(code, signal));
      child.once('error', (error) => {
        heard(error.message);
        if (child.pid === undefined) void finish(null, null);
      });
    });
  }
}

function readLines(stream: Readable | null, heard: (text: string) => void): Promise<void> {
  if (stream === null) return Promise.resolve();
  const reader = createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY });
  reader.on('line', (text) => {
    if (text !== '') heard(text);
  });
  return new Promise((resolve) => reader.once('close', resolve));
}

function parseLine(text: string): ChildLine | null {
  if (!text.startsWith('{')) return null;
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === 'object' && parsed !== null ? (parsed as ChildLine) : null;
  } catch {
    return null; // not JSON after all: it goes to the log as it is
  }
}
