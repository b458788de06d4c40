import type { Environment, OpenSocket } from '@sinew/sdk';

/**
 * Sockets whose frames to the server leave `delayMs` late and in order, pings and the farewell included: a long uplink.
 * What was captured keeps its true time.
 */
export function delayedSockets(openSocket: OpenSocket, delayMs: number, environment: Environment): OpenSocket {
  return (url, apiKey, listener) => {
    let ended = false;
    const socket = openSocket(url, apiKey, {
      ...listener,
      opened: () => listener.opened(),
      frame: (bytes) => listener.frame(bytes),
      closed: (end) => {
        ended = true;
        listener.closed(end);
      },
    });
    const later = (run: () => void): void => {
      environment.setTimeout(() => {
        if (!ended) run();
      }, delayMs);
    };
    return {
      get bufferedBytes() {
        return socket.bufferedBytes;
      },
      send: (bytes) => later(() => socket.send(bytes)),
      close: () => later(() => socket.close()),
      terminate: () => socket.terminate(),
    };
  };
}
