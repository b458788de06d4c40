import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { BenchError } from '../command.js';
import { pinned } from './pinning.js';
import type { ServerLine } from './server-line.js';

const START_MS = 120_000;
const STOP_MS = 15_000;
const SIGNALS = ['SIGINT', 'SIGTERM'] as const;
const exit = (): void => process.exit(1);

/** One server in a process of its own. All are started before the first measurement; those that wait for their turn are stopped. */
export class ServerProcess {
  readonly line: ServerLine;
  readonly pid: number;
  readonly #child: ChildProcess;
  readonly #exited: Promise<void>;

  private constructor(child: ChildProcess, pid: number, line: ServerLine, exited: Promise<void>) {
    this.#child = child;
    this.pid = pid;
    this.line = line;
    this.#exited = exited;
    // A bench that is ended meanwhile leaves nobody standing still: who goes on sees that its stdin is closed, and ends.
    const goOn = (): void => this.resume();
    process.once('exit', goOn);
    for (const signal of SIGNALS) if (!process.listeners(signal).includes(exit)) process.on(signal, exit);
    void exited.then(() => process.off('exit', goOn));
  }

  static async start(
    what: string,
    cores: string | null,
    command: string,
    args: readonly string[],
  ): Promise<ServerProcess> {
    const [file, all] = pinned(cores, command, args);
    const child = spawn(file, all, { stdio: ['pipe', 'pipe', 'inherit'] });
    const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    const timeout = setTimeout(() => child.kill('SIGKILL'), START_MS);
    try {
      const line = await firstLine(child);
      return new ServerProcess(child, child.pid ?? 0, JSON.parse(line) as ServerLine, exited);
    } catch (error) {
      child.kill('SIGKILL');
      throw new BenchError(`the server ${what} did not start: ${(error as Error).message}`);
    } finally {
      clearTimeout(timeout);
    }
  }

  /** A server that nobody asks costs a little all the same: a timer here, a journal there. Stopped it costs nothing. */
  pause(): void {
    this.#child.kill('SIGSTOP');
  }

  resume(): void {
    this.#child.kill('SIGCONT');
  }

  async stop(): Promise<void> {
    this.resume();
    this.#child.stdin?.end();
    const kill = setTimeout(() => this.#child.kill('SIGKILL'), STOP_MS);
    await this.#exited;
    clearTimeout(kill);
  }
}

function firstLine(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    const { stdout } = child;
    if (stdout === null) return reject(new Error('no output'));
    const lines = createInterface({ input: stdout });
    lines.once('line', resolve);
    child.once('error', reject);
    child.once('exit', (code, signal) => reject(new Error(`it ended with ${code ?? signal}`)));
  });
}
