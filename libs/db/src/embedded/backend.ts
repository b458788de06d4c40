import type { Engine } from './engine.js';
import type { PreparedNames } from './prepared-names.js';
import { SessionTurns } from './session-turns.js';
import { Subscriptions } from './subscriptions.js';
import {
  BACKEND,
  errorFieldsBorrow,
  FRONTEND,
  message,
  readCString,
  SYNC,
  simpleQuery,
  splitMessagesBorrow,
} from './wire-frames.js';

/** What the backend needs to know of a connection. */
export interface Client {
  readonly names: PreparedNames;
  /** Startup options, applied whenever the session becomes this connection's. */
  readonly settings: ReadonlyMap<string, string>;
  /** Sends an asynchronous message (a notification) to the client. */
  push(bytes: Buffer): void;
}

/**
 * The one backend session as all connections share it: whose turn it is, who listens to what, and the cleaning between.
 */
export class Backend {
  readonly turns = new SessionTurns<Client>();
  readonly subscriptions = new Subscriptions<Client>();
  readonly #engine: Engine;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** Runs frontend bytes; answers what the backend said, notifications taken out (see `deliver`). */
  async exec(bytes: Buffer): Promise<{ messages: Buffer[]; notifications: Buffer[] }> {
    const output = await this.#engine.exec(bytes);
    const { messages } = splitMessagesBorrow(output, Number.MAX_SAFE_INTEGER);
    const notifications = messages.filter((m) => m[0] === BACKEND.notification);
    return notifications.length === 0
      ? { messages, notifications }
      : { messages: messages.filter((m) => m[0] !== BACKEND.notification), notifications };
  }

  /** Sends notifications to everyone who listens to their channel, whoever's turn it is. */
  deliver(notifications: readonly Buffer[]): void {
    for (const notification of notifications) {
      const channel = readCString(notification, 9).text;
      for (const client of this.subscriptions.listeners(channel)) client.push(Buffer.from(notification));
    }
  }

  /**
   * Makes the session `client`'s. Answers the ErrorResponse if its startup options are not accepted: the settings are then
   * the defaults, and the client must go.
   */
  async takeTurn(client: Client): Promise<{ renewed: boolean; refused: Buffer | null }> {
    const { renewed } = await this.turns.acquire(client);
    if (!renewed) return { renewed, refused: null };
    // RESET ALL leaves SET ROLE standing. The options go in a query of their own: one invalid value would undo the rest.
    await this.internal(
      'ROLLBACK; RESET SESSION AUTHORIZATION; RESET ROLE; RESET ALL; SELECT pg_catalog.pg_advisory_unlock_all()',
    );
    if (client.settings.size === 0) return { renewed, refused: null };
    const calls = [...client.settings].map(([k, v]) => `pg_catalog.set_config(${literal(k)}, ${literal(v)}, false)`);
    return { renewed, refused: await this.internal(`SELECT ${calls.join(', ')}`) };
  }

  /** Undoes whatever a turn left half done: an open transaction, a pipeline without its Sync. */
  async abandonTurn(client: Client): Promise<void> {
    // A Sync alone would commit a pipeline's implicit transaction; a Query would be skipped after a pipeline's error. So:
    // fail, synchronise, roll back.
    const fail = message(FRONTEND.parse, '\0', 'abandoned\0', Buffer.alloc(2));
    const { notifications } = await this.exec(Buffer.concat([fail, message(SYNC), simpleQuery('ROLLBACK')]));
    this.deliver(notifications);
    this.turns.forgetPrevious();
    this.turns.release(client);
  }

  /** Forgets a connection: its prepared statements and subscriptions. Its turn must be over. */
  async forget(client: Client): Promise<void> {
    const closes = client.names.closeAll();
    const unlisten = this.subscriptions.remove(client);
    if (closes.length === 0 && unlisten === '') return;
    await this.turns.acquire(client);
    this.turns.forgetPrevious();
    if (closes.length > 0) await this.exec(Buffer.concat([...closes, message(SYNC)]));
    if (unlisten !== '') await this.internal(unlisten);
    this.turns.release(client);
  }

  /** Runs SQL of our own. Answers its ErrorResponse, or null. */
  async internal(sql: string): Promise<Buffer | null> {
    const { messages, notifications } = await this.exec(simpleQuery(sql));
    this.deliver(notifications);
    return messages.find((m) => m[0] === BACKEND.error) ?? null;
  }

  /** The first column of the first row, as text. */
  async firstValue(sql: string): Promise<string> {
    const { messages } = await this.exec(simpleQuery(sql));
    const row = messages.find((m) => m[0] === 0x44);
    if (row === undefined) {
      const error = messages.find((m) => m[0] === BACKEND.error);
      throw new Error(`${sql}: ${(error && errorFieldsBorrow(error).get('M')) ?? 'no row'}`);
    }
    return row.toString('utf8', 11, 11 + row.readInt32BE(7));
  }

  close(): Promise<void> {
    return this.#engine.close();
  }
}

function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
