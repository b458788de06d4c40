import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

export interface Gate {
  /** On 127.0.0.1; the same after every opening. */
  readonly port: number;
  /** Breaks every connection and refuses new ones: to a client, the server behind it is away. */
  shut(): Promise<void>;
  open(): Promise<void>;
}

/** A way to a server of somebody else's that a test can shut, where it cannot stop the server. */
export async function openGate(host: string, port: number): Promise<Gate> {
  const sockets = new Set<Socket>();
  let server = await listen(0);
  const gatePort = (server.address() as AddressInfo).port;

  async function listen(at: number): Promise<Server> {
    const made = createServer((client) => {
      const upstream = connect(port, host);
      for (const [from, to] of [
        [client, upstream],
        [upstream, client],
      ] as const) {
        sockets.add(from);
        from.pipe(to);
        from.on('error', () => to.destroy());
        from.on('close', () => {
          sockets.delete(from);
          to.destroy();
        });
      }
    });
    made.listen(at, '127.0.0.1');
    await once(made, 'listening');
    return made;
  }

  return {
    port: gatePort,
    async shut() {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
    async open() {
      server = await listen(gatePort);
    },
  };
}
