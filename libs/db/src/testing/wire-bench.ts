import { connect, type Socket } from 'node:net';
import pg from 'pg';
import { afterAll, beforeAll } from 'vitest';
import { message, readyForQuery, splitMessagesBorrow } from '../embedded/wire-frames.js';
import { startTestDatabase, TEST_PASSWORD, type TestDatabase } from './test-database.js';

/** Timers that fire when a test says so. */
export class ManualTimers {
  readonly armed = new Set<{ ms: number; fire: () => void }>();
  readonly start = (ms: number, fire: () => void) => {
    const timer = { ms, fire };
    this.armed.add(timer);
    return () => this.armed.delete(timer);
  };
  fire(ms: number): void {
    for (const timer of [...this.armed]) {
      if (timer.ms !== ms) continue;
      this.armed.delete(timer);
      timer.fire();
    }
  }
}

/** For what happens soon after, without an event to wait for. */
export const PATIENT = { timeout: 20_000 };

/** One embedded database for a test file, with a table `t`, and the clients that its tests open. */
export class WireBench {
  readonly timers = new ManualTimers();
  readonly #open: pg.Client[] = [];
  #database: TestDatabase | null = null;

  get database(): TestDatabase {
    if (this.#database === null) throw new Error('the database is not started yet');
    return this.#database;
  }

  /** A driver's connection, ended with the file. */
  async client(config: pg.ClientConfig = {}): Promise<pg.Client> {
    const made = new pg.Client({ connectionString: this.database.url, ...config });
    made.on('error', () => undefined);
    await made.connect();
    this.#open.push(made);
    return made;
  }

  /** A connection without a driver. */
  raw(): Promise<RawClient> {
    return RawClient.open(this.database.port);
  }

  async start(): Promise<void> {
    this.#database = await startTestDatabase({ startTimer: this.timers.start });
    const setup = await this.client();
    await setup.query('CREATE TABLE t (id int PRIMARY KEY, who text)');
    await setup.end();
  }

  async close(): Promise<void> {
    await Promise.all(this.#open.map((one) => one.end()));
    await this.#database?.close();
  }
}

/** A bench that starts before a file's tests and closes after them. */
export function useWireBench(): WireBench {
  const bench = new WireBench();
  beforeAll(() => bench.start());
  afterAll(() => bench.close());
  return bench;
}

/** The protocol by hand, for what a driver never does. */
export class RawClient {
  readonly socket: Socket;
  #bytes: Buffer = Buffer.alloc(0);
  #all: Buffer[] = [];
  #answers: Buffer[] = [];
  readonly #more = new Set<() => void>();

  static async open(port: number): Promise<RawClient> {
    const raw = new RawClient(connect(port, '127.0.0.1'));
    const start = Buffer.from('\0\x03\0\0user\0postgres\0database\0postgres\0\0', 'latin1');
    const length = Buffer.alloc(4);
    length.writeInt32BE(4 + start.length);
    raw.send(length, start, message(0x70, TEST_PASSWORD, '\0'));
    await raw.ready();
    return raw;
  }

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('error', () => undefined);
    socket.on('data', (bytes) => {
      const { messages, rest } = splitMessagesBorrow(Buffer.concat([this.#bytes, bytes]), 1 << 30);
      this.#bytes = rest;
      this.#answers.push(...messages);
      this.#all.push(...messages);
      for (const wake of this.#more) wake();
    });
  }

  send(...messages: Buffer[]): void {
    this.socket.write(Buffer.concat(messages));
  }

  /** Everything answered since the last call, once `enough` says so. */
  async until(enough: (answers: Buffer[]) => boolean): Promise<Buffer[]> {
    while (!enough(this.#answers)) {
      await new Promise<void>((resolve) => {
        const wake = () => {
          this.#more.delete(wake);
          resolve();
        };
        this.#more.add(wake);
      });
    }
    return this.#answers.splice(0);
  }

  ready(): Promise<Buffer[]> {
    return this.until((answers) =>
      answers.some((answer) => answer.equals(readyForQuery('I')) || answer.equals(readyForQuery('T'))),
    );
  }

  errors(): string {
    return this.#all
      .filter((answer) => answer[0] === 0x45)
      .map((answer) => answer.toString('utf8', 5))
      .join('\n');
  }
}
