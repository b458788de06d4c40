import { connectTo } from '../remote/connect.js';
import type { RemoteBackendOptions } from '../remote/remote-backend.js';
import { RemoteHost } from '../remote/remote-host.js';
import { RemoteThread } from '../remote/remote-thread.js';

type Factory = NonNullable<RemoteBackendOptions['remote']>;

/** A thread as in service. Threads run the built files. */
export const inThread: Factory = (setup, events) =>
  new RemoteThread(new URL('../../dist/remote/worker.js', import.meta.url), setup, events);

/** The same in the test's thread, which is quicker. */
export const inProcess: Factory = (setup, events) => {
  const host = new RemoteHost({
    setup,
    connect: connectTo,
    // A port's messages come in turns of their own, too.
    post: (message) => void setImmediate(() => events.message(message)),
    cpu: () => null,
  });
  return {
    start: () => host.start(),
    send: (message) => {
      if (message.kind === 'run') void host.run(message);
    },
    replace: () => {},
    end: () => {
      host.close();
      return Promise.resolve();
    },
  };
};
