import type { Connection } from '@sinew/gateway/in-process';
import type { OpenSocket } from '@sinew/simulator';
import type { VirtualTime } from './virtual-time.js';

export interface Link {
  /** Each way, ms. */
  readonly delayMs: number;
  /** Up to so much more, at random; frames of one direction keep their order. */
  readonly jitterMs: number;
}

/** Sockets from robots to a gateway in this process, over virtual time. `spreadMs`: robots come within so long, not all at once. */
export function virtualSockets(
  time: VirtualTime,
  link: Link,
  spreadMs: number,
  random: () => number,
  connect: (client: { send(bytes: Uint8Array): void; end(code: number, reason: string): void }) => Connection,
): OpenSocket {
  return (_url, _key, listener) => {
    let connection: Connection | null = null;
    let ended = false;
    const up = direction(time, link, random);
    const down = direction(time, link, random);
    const end = (code: number, reason: string): void => {
      if (ended) return;
      ended = true;
      down(() => listener.closed({ code, reason }));
      time.after(0, () => connection?.closed());
    };
    time.after(spreadMs * random(), () => {
      if (ended) return;
      connection = connect({
        send: (bytes) => {
          // The session writes its next frame over this one.
          const copy = bytes.slice();
          down(() => {
            if (!ended) listener.frame(copy);
          });
        },
        end,
      });
      listener.opened();
    });
    return {
      bufferedBytes: 0,
      send: (bytes) => {
        const copy = bytes.slice();
        up(() => {
          if (!ended) connection?.receive(copy.buffer, true);
        });
      },
      close: () => up(() => end(1000, '')),
      terminate: () => end(1006, ''),
    };
  };
}

/** Delivers in order, each after the delay and some jitter. */
function direction(time: VirtualTime, { delayMs, jitterMs }: Link, random: () => number) {
  let lastMs = 0;
  return (deliver: () => void): void => {
    lastMs = Math.max(lastMs, time.now() + delayMs + jitterMs * random());
    time.after(lastMs - time.now(), deliver);
  };
}
