import { join } from 'node:path';
import { type AccountEvent, JournalError, JournalWriter } from '@sinew/journal';

/** Below the data folder. One writer each: commands come and go, the gateway stays. */
export const COMMAND_FOLDER = 'accounts';
export const GATEWAY_FOLDER = 'accounts-gateway';

const COMMAND_BUDGET_BYTES = 64 * 1024 * 1024;
/** A million reports, and a fifth for accounts, consents and erasures alone. */
const GATEWAY_BUDGET_BYTES = 1024 * 1024 * 1024;
/** Another command holds the folder for a moment only; a gateway's predecessor, while it stops. */
const LOCK_PATIENCE_MS = 10_000;
const LOOK_EVERY_MS = 50;

/** A change could not be recorded; the caller changes nothing. It may be there all the same after a restore. */
export class RecordFailed extends Error {
  override readonly name = 'RecordFailed';
}

/**
 * Where account changes are kept beside an embedded database, which runs without fsync. Order for every change: `record`, then
 * SQL, then the answer. In this order nothing that fails half way does harm: a key that stands here alone was shown to
 * nobody, a revocation here holds.
 */
export interface DurableRecord {
  /** Resolves when the events are on the disk; rejects with `RecordFailed`. Does nothing with a database of one's own. */
  record(events: readonly AccountEvent[]): Promise<void>;
}

/** For a database that keeps what it is told. */
export const NO_RECORD: DurableRecord = { record: async () => undefined };

export interface Wait {
  /** Monotonic milliseconds. */
  now(): number;
  sleep(ms: number): Promise<void>;
}

const systemWait: Wait = {
  now: () => performance.now(),
  sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
};

/** The record of commands: each takes the folder for as long as it writes. */
export function commandRecord(dataDir: string, wait: Wait = systemWait): DurableRecord {
  const dir = join(dataDir, COMMAND_FOLDER);
  return {
    record: (events) =>
      orFailed(async () => {
        const writer = await open(dir, COMMAND_BUDGET_BYTES, wait);
        try {
          await write(writer, events);
        } finally {
          await writer.close();
        }
      }),
  };
}

/** The folder as an erasure sees it. */
export interface RecordFolder {
  readonly dir: string;
  /** Resolves when everything recorded so far can be read. */
  sync(): Promise<void>;
}

/** The record of a gateway: opened with the first change, kept open until `close`. */
export class GatewayRecord implements DurableRecord {
  readonly #dir: string;
  readonly #isDurable: () => Promise<boolean>;
  readonly #wait: Wait;
  #opening: Promise<JournalWriter | null> | null = null;

  readonly #budgetBytes: number;

  /** `isDurable`: whether the database keeps what it acknowledged over a power cut. Asked, not configured. */
  constructor(
    dataDir: string,
    isDurable: () => Promise<boolean>,
    wait: Wait = systemWait,
    budgetBytes: number = GATEWAY_BUDGET_BYTES,
  ) {
    this.#dir = join(dataDir, GATEWAY_FOLDER);
    this.#isDurable = isDurable;
    this.#wait = wait;
    this.#budgetBytes = budgetBytes;
  }

  record(events: readonly AccountEvent[]): Promise<void> {
    return orFailed(async () => {
      const writer = await this.#writer();
      if (writer !== null) await write(writer, events);
    });
  }

  /** Null with a database of one's own: there is no folder. */
  async folder(): Promise<RecordFolder | null> {
    const writer = await this.#writer();
    return writer === null ? null : { dir: this.#dir, sync: () => writer.sync() };
  }

  async close(): Promise<void> {
    const opening = this.#opening;
    this.#opening = Promise.resolve(null);
    await (await opening?.catch(() => null))?.close();
  }

  #writer(): Promise<JournalWriter | null> {
    this.#opening ??= this.#open().catch((error: unknown) => {
      // The next change tries again.
      this.#opening = null;
      throw error;
    });
    return this.#opening;
  }

  async #open(): Promise<JournalWriter | null> {
    return (await this.#isDurable()) ? null : open(this.#dir, this.#budgetBytes, this.#wait);
  }
}

async function write(writer: JournalWriter, events: readonly AccountEvent[]): Promise<void> {
  const { level } = writer.pressure();
  // Reports come by the million and are never removed: what they may fill leaves room to revoke a key, or a consent.
  const full = level === 'full' || (level === 'warn' && events.every(({ event }) => event === 'feedback'));
  if (full) throw new RecordFailed('the record of accounts has reached its disk budget');
  for (const event of events) writer.append(event);
  await writer.sync();
}

/** Waits for its turn. */
async function open(dir: string, budgetBytes: number, wait: Wait): Promise<JournalWriter> {
  const until = wait.now() + LOCK_PATIENCE_MS;
  for (;;) {
    try {
      return await JournalWriter.open({ dir, node: 0, budgetBytes, fsyncMs: 0, now: () => Date.now() });
    } catch (error) {
      const held = error instanceof JournalError && error.code === 'locked';
      if (!held || wait.now() >= until) throw error;
      await wait.sleep(LOOK_EVERY_MS);
    }
  }
}

async function orFailed(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof JournalError)) throw error;
    throw new RecordFailed(`the change could not be recorded (${error.message})`, { cause: error });
  }
}
