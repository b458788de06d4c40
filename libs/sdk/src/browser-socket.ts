import { BEARER_SUBPROTOCOL_PREFIX, SUBPROTOCOL } from '@sinew/protocol';
import type { OpenSocket, Socket } from './socket.js';

/** Browsers cannot set headers: the key travels as a second subprotocol (W2), and a refused upgrade looks like a cut one. */
export const openBrowserSocket: OpenSocket = (url, apiKey, listener): Socket => {
  const socket = new WebSocket(url, [SUBPROTOCOL, `${BEARER_SUBPROTOCOL_PREFIX}${apiKey}`]);
  socket.binaryType = 'arraybuffer';
  let ended = false;
  const end = (code: number, reason: string): void => {
    if (ended) return;
    ended = true;
    listener.closed({ code, reason });
  };
  socket.addEventListener('open', () => listener.opened());
  socket.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
    // a text frame is not of this protocol: as an empty frame it is refused like any other
    if (!ended) listener.frame(data instanceof ArrayBuffer ? new Uint8Array(data) : new Uint8Array());
  });
  socket.addEventListener('close', ({ code, reason }) => end(code, reason));
  return {
    get bufferedBytes() {
      return socket.bufferedAmount;
    },
    send: (bytes) => socket.send(bytes as Uint8Array<ArrayBuffer>),
    close: () => socket.close(1000),
    terminate: () => {
      // a browser cannot cut a connection: it is left to close, and no longer listened to
      socket.close();
      end(1006, 'no answer');
    },
  };
};
