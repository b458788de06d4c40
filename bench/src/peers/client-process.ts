import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { BenchError } from '../command.js';
import type { ClientResult, ClientRun, FromClient, ToClient } from './client-messages.js';
import { pinned } from './pinning.js';

const ENTRY = fileURLToPath(new URL('./client-main.js', import.meta.url));
/** Beyond what a run is told to take. */
const PATIENCE_MS = 60_000;

type Answer<K extends FromClient['kind']> = Extract<FromClient, { kind: K }>;

export class ClientProcess {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  static async start(cores: string | null): Promise<ClientProcess> {
    const [file, args] = pinned(cores, process.execPath, [ENTRY]);
    const client = new ClientProcess(spawn(file, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] }));
    await client.#wait('ready', PATIENCE_MS);
    return client;
  }

  async run(run: ClientRun): Promise<ClientResult> {
    const answer = this.#wait('result', run.warmupMs + run.ms + PATIENCE_MS);
    this.#send({ kind: 'run', run });
    return (await answer).result;
  }

  async ask(run: ClientRun): Promise<{ shape: readonly number[]; values: readonly number[] }> {
    const answer = this.#wait('actions', PATIENCE_MS);
    this.#send({ kind: 'ask', run });
    const { shape, values } = await answer;
    return { shape, values };
  }

  stop(): void {
    this.#child.disconnect();
  }

  #send(message: ToClient): void {
    this.#child.send(message);
  }

  #wait<K extends FromClient['kind']>(kind: K, ms: number): Promise<Answer<K>> {
    const child = this.#child;
    return new Promise((resolve, reject) => {
      const settle = (act: () => void): void => {
        clearTimeout(timer);
        child.off('message', onMessage);
        child.off('exit', onExit);
        act();
      };
      const onMessage = (message: FromClient): void => {
        if (message.kind === kind) settle(() => resolve(message as Answer<K>));
        else if (message.kind === 'failed') settle(() => reject(new BenchError(message.reason)));
      };
      const onExit = (): void => settle(() => reject(new BenchError('the client process ended')));
      const timer = setTimeout(() => settle(() => reject(new BenchError('the client did not answer'))), ms);
      child.on('message', onMessage);
      child.once('exit', onExit);
    });
  }
}
