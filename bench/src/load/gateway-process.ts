import { type ChildProcess, fork } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BenchError } from '../command.js';
import type { FromGateway, GatewayOptions, MemoryReading, ToGateway } from './gateway-messages.js';
import type { GatewayReport } from './gateway-probe.js';

const ENTRY = fileURLToPath(new URL('./gateway-main.js', import.meta.url));
const ANSWER_MS = 60_000;
const STOP_MS = 10_000;

type Answer<K extends FromGateway['kind']> = Extract<FromGateway, { kind: K }>;

/** A gateway in a process of its own, with a journal in a temporary folder that goes with it. */
export class GatewayProcess {
  readonly #child: ChildProcess;
  readonly #dir: string;
  readonly #exited: Promise<void>;
  #port = 0;

  private constructor(child: ChildProcess, dir: string) {
    this.#child = child;
    this.#dir = dir;
    this.#exited = new Promise((resolve) => child.once('exit', () => resolve()));
  }

  static async start(options: Omit<GatewayOptions, 'dir'>, profile: string | null): Promise<GatewayProcess> {
    const dir = await mkdtemp(join(tmpdir(), 'sinew-bench-'));
    const child = fork(ENTRY, {
      serialization: 'advanced',
      execArgv: ['--expose-gc', ...(profile === null ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`])],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    const gateway = new GatewayProcess(child, dir);
    try {
      const ready = await gateway.#ask({ kind: 'start', options: { ...options, dir } }, 'ready');
      gateway.#port = ready.port;
      return gateway;
    } catch (error) {
      await gateway.stop();
      throw error;
    }
  }

  get port(): number {
    return this.#port;
  }

  async mark(): Promise<void> {
    await this.#ask({ kind: 'mark' }, 'marked');
  }

  async report(): Promise<GatewayReport> {
    return (await this.#ask({ kind: 'report' }, 'report')).report;
  }

  async memory(): Promise<MemoryReading> {
    return (await this.#ask({ kind: 'memory' }, 'memory')).memory;
  }

  /** Asks it to end; what has not ended ten seconds later is killed. */
  async stop(): Promise<void> {
    if (this.#child.connected) this.#child.send({ kind: 'stop' } satisfies ToGateway);
    const kill = setTimeout(() => this.#child.kill('SIGKILL'), STOP_MS);
    await this.#exited;
    clearTimeout(kill);
    await rm(this.#dir, { recursive: true, force: true });
  }

  #ask<K extends FromGateway['kind']>(message: ToGateway, kind: K): Promise<Answer<K>> {
    const child = this.#child;
    return new Promise((resolve, reject) => {
      const settle = (act: () => void): void => {
        clearTimeout(timer);
        child.off('message', onMessage);
        child.off('exit', onExit);
        act();
      };
      const onMessage = (answer: FromGateway): void => {
        if (answer.kind === kind) settle(() => resolve(answer as Answer<K>));
        else if (answer.kind === 'failed') settle(() => reject(new BenchError(`the gateway failed: ${answer.reason}`)));
      };
      const onExit = (): void => settle(() => reject(new BenchError('the gateway process ended')));
      const timer = setTimeout(
        () => settle(() => reject(new BenchError(`the gateway did not answer "${message.kind}"`))),
        ANSWER_MS,
      );
      child.on('message', onMessage);
      child.once('exit', onExit);
      if (child.exitCode !== null || !child.connected) onExit();
      else child.send(message);
    });
  }
}
