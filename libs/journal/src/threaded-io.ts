import { FileThread } from './file-thread.js';
import type { JournalIo } from './io.js';

/**
 * For who writes all the time, and has robots waiting behind it. Two threads: a write need not wait behind an fsync, which takes
 * milliseconds.
 */
export function threadedIo(): JournalIo {
  const writing = new Standby();
  const syncing = new Standby();
  return {
    async create(path, head) {
      const fd = await writing.thread.order({ op: 'create', path, head });
      return {
        write: async (bytes, length, position) => {
          const shared = bytes.buffer;
          if (!(shared instanceof SharedArrayBuffer) || bytes.byteOffset !== 0) {
            throw new TypeError('a thread writes out of shared memory only');
          }
          await writing.thread.order({ op: 'write', fd, shared, length, position });
        },
        sync: async () => {
          await syncing.thread.order({ op: 'sync', fd });
        },
        truncate: async (length) => {
          await writing.thread.order({ op: 'truncate', fd, length });
        },
        close: async () => {
          await writing.thread.order({ op: 'close', fd });
        },
      };
    },
    pause: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    poll: () => {
      writing.poll();
      syncing.poll();
    },
    close: async () => {
      await Promise.all([writing.close(), syncing.close()]);
    },
  };
}

/** Always a thread that takes orders: one that died is replaced, and who waited for it tries again. */
class Standby {
  #thread = new FileThread();

  get thread(): FileThread {
    if (!this.#thread.alive) this.#thread = new FileThread();
    return this.#thread;
  }

  /** Of whichever there is: a dead one is replaced when something is to be done, at the pace of the retries. */
  poll(): void {
    this.#thread.poll();
  }

  close(): Promise<void> {
    return this.#thread.close();
  }
}
