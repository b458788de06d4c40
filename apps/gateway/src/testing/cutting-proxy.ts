import { connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** So long what the clients sent still arrives while nothing comes back. */
const SILENT_MS = 200;

/** Stands before a server that cannot be stopped itself, and takes it away from its clients. */
export class CuttingProxy {
  readonly #target: { readonly host: string; readonly port: number };
  readonly #server: Server;
  readonly #pairs = new Map<Socket, Socket>();
  #port = 0;

  private constructor(target: { readonly host: string; readonly port: number }) {
    this.#target = target;
    this.#server = createServer((client) => this.#join(client));
  }

  static async start(target: { readonly host: string; readonly port: number }): Promise<CuttingProxy> {
    const proxy = new CuttingProxy(target);
    await proxy.#listen(0);
    return proxy;
  }

  get port(): number {
    return this.#port;
  }

  /** All connections break, and new ones are refused. `silently`: what is asked still gets there, its answer is lost. */
  async cut(silently: boolean): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    if (silently) {
      for (const [client, server] of this.#pairs) {
        server.unpipe(client);
        server.resume();
      }
      await sleep(SILENT_MS);
    }
    for (const [client, server] of this.#pairs) {
      client.destroy();
      server.destroy();
    }
    await closed;
  }

  restore(): Promise<void> {
    return this.#listen(this.#port);
  }

  #join(client: Socket): void {
    const server = connect(this.#target);
    this.#pairs.set(client, server);
    const end = () => {
      this.#pairs.delete(client);
      client.destroy();
      server.destroy();
    };
    for (const socket of [client, server]) {
      socket.on('error', end);
      socket.on('close', end);
    }
    client.pipe(server);
    server.pipe(client);
  }

  #listen(port: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, '127.0.0.1', () => {
        this.#server.off('error', reject);
        const address = this.#server.address();
        if (address !== null && typeof address !== 'string') this.#port = address.port;
        resolve();
      });
    });
  }
}
