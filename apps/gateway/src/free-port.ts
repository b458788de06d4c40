import { createServer } from 'node:net';

/**
 * A port that nobody listens on. uWebSockets leaves SO_REUSEADDR out where it is to choose the port itself: what is left of
 * the connections then keeps the port for a minute, and a gateway that was killed could not come back to its robots.
 */
export function freePort(host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, host, () => {
      const address = server.address();
      server.close(() => resolve(address !== null && typeof address !== 'string' ? address.port : 0));
    });
  });
}
