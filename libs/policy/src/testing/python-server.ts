import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';

/** A server in Python on a port that was free, with all its processes in one group, so that all of them can be killed. */
export class PythonServer {
  readonly port: number;
  readonly #command: readonly [string, ...string[]];
  #process: ChildProcess | null = null;

  private constructor(port: number, command: readonly [string, ...string[]]) {
    this.port = port;
    this.#command = command;
  }

  static async start(python: string, args: (port: number) => string[]): Promise<PythonServer> {
    const probe = createServer().listen(0, '127.0.0.1');
    await once(probe, 'listening');
    const address = probe.address();
    await new Promise((resolve) => probe.close(resolve));
    if (typeof address !== 'object' || address === null) throw new Error('no free port');
    const server = new PythonServer(address.port, [python, ...args(address.port)]);
    await server.listen();
    return server;
  }

  /** Does not wait until it serves: backends do. */
  async listen(): Promise<void> {
    const [python, ...args] = this.#command;
    this.#process = spawn(python, args, { detached: true, stdio: 'ignore' });
    await once(this.#process, 'spawn');
  }

  async kill(): Promise<void> {
    const child = this.#process;
    this.#process = null;
    if (child?.pid === undefined || child.exitCode !== null) return;
    const ended = once(child, 'exit');
    process.kill(-child.pid, 'SIGKILL');
    await ended;
  }
}
