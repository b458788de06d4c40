import type { Backend, Client } from './backend.js';
import { PreparedNames } from './prepared-names.js';
import { type ListenAction, listenAction, type Refusal, refusedStatement, scanStatements } from './sql-scan.js';
import { TurnLog } from './turn-log.js';
import {
  BACKEND,
  errorFieldsBorrow,
  errorResponse,
  FRONTEND,
  message,
  ProtocolViolation,
  readCString,
  simpleQuery,
} from './wire-frames.js';

/** Words worth a scan; a statement without any of them is neither refused nor a subscription. */
const WATCHED = /copy|listen|prepare|deallocate|discard/i;
/**
 * Fails in parse analysis with 0A000, as Query and as Parse alike: sent in a refused statement's place, so that the backend
 * sees a failed statement (transaction aborted, pipeline skipped) and the client reads our reason.
 */
const FAILS_INSTEAD = 'SELECT 1 UNION SELECT 1 FOR UPDATE';
const FAILS_WITH = /FOR UPDATE is not allowed with UNION/;

type Translated = { readonly bytes: Buffer; readonly refusal: Refusal | null };

/** One client's use of the shared session, message by message: an authenticated connection without its socket. */
export class ClientSession implements Client {
  readonly names: PreparedNames;
  readonly settings: ReadonlyMap<string, string>;
  readonly push: (bytes: Buffer) => void;
  readonly #backend: Backend;
  readonly #log = new TurnLog();
  readonly #statements = new Map<string, ListenAction | null>();
  readonly #portals = new Map<string, ListenAction | null>();
  #unnamedLost = false;

  constructor(id: number, backend: Backend, settings: ReadonlyMap<string, string>, push: (bytes: Buffer) => void) {
    this.names = new PreparedNames(id);
    this.settings = settings;
    this.push = push;
    this.#backend = backend;
  }

  get ownsTurn(): boolean {
    return this.#backend.turns.owner === this;
  }

  /**
   * Waits for the turn, runs the messages, sends the answers, and gives the turn back once the backend is idle.
   * False when the connection must end, the client told why: its startup options were not accepted, or it sent what is no
   * message.
   */
  async run(batch: readonly Buffer[]): Promise<boolean> {
    const { renewed, refused } = await this.#backend.takeTurn(this);
    if (refused !== null) {
      const fields = errorFieldsBorrow(refused);
      this.#refuse(fields.get('C') ?? '22023', fields.get('M') ?? 'invalid startup option');
      this.#backend.turns.forgetPrevious();
      this.#backend.turns.release(this);
      return false;
    }
    if (renewed) this.#unnamedLost = true;

    let bytes: Buffer[] = [];
    const refusals: Refusal[] = [];
    for (const one of batch) {
      const step = this.#read(one);
      if (step === null) return false;
      const { renamed, unnamed, refusal } = step;
      if (refusal !== null) refusals.push(refusal);
      if (unnamed === 'use' && this.#unnamedLost) {
        await this.#exec(bytes, refusals);
        bytes = [];
        await this.#parseUnnamedAgain();
      }
      if (unnamed !== null) this.#unnamedLost = false;
      bytes.push(renamed);
    }
    await this.#exec(bytes, refusals);
    return true;
  }

  /** Rolls back what this client left open. */
  async abandonTurn(): Promise<void> {
    if (this.ownsTurn) await this.#backend.abandonTurn(this);
  }

  async forget(): Promise<void> {
    await this.#backend.forget(this);
  }

  #refuse(code: string, text: string): void {
    this.push(errorResponse({ severity: 'FATAL', code, message: text }));
  }

  /** One message as the backend is to see it. Null, the client told why, when it is none: that is no fault of the engine. */
  #read(one: Buffer) {
    try {
      const { bytes, refusal } = this.#translate(one);
      const { bytes: renamed, unnamed } = this.names.rewriteBorrow(bytes);
      return { renamed, unnamed, refusal };
    } catch (error) {
      if (!(error instanceof ProtocolViolation)) throw error;
      this.#refuse('08P01', `protocol violation: ${error.message}`);
      return null;
    }
  }

  /** What to send for one message; keeps the books of LISTEN. */
  #translate(one: Buffer): Translated {
    switch (one[0]) {
      case FRONTEND.query: {
        this.names.dropUnnamed();
        const { text } = readCString(one, 5);
        if (!WATCHED.test(text)) return this.#sent(one, []);
        const statements = scanStatements(text);
        const refusal = firstRefusal(statements);
        if (refusal !== null) return { bytes: this.#sent(simpleQuery(FAILS_INSTEAD), []).bytes, refusal };
        return this.#sent(one, statements.map(listenAction));
      }
      case FRONTEND.parse: {
        const name = readCString(one, 5);
        const { text, next } = readCString(one, name.next);
        const statements = WATCHED.test(text) ? scanStatements(text) : [];
        this.#statements.set(name.text, statements[0] === undefined ? null : listenAction(statements[0]));
        const refusal = firstRefusal(statements);
        if (refusal === null) return this.#sent(one, []);
        const instead = message(FRONTEND.parse, name.text, '\0', FAILS_INSTEAD, '\0', one.subarray(next));
        return { bytes: this.#sent(instead, []).bytes, refusal };
      }
      case FRONTEND.bind: {
        const portal = readCString(one, 5);
        this.#portals.set(portal.text, this.#statements.get(readCString(one, portal.next).text) ?? null);
        return this.#sent(one, []);
      }
      case FRONTEND.execute:
        return this.#sent(one, [this.#portals.get(readCString(one, 5).text) ?? null]);
      default:
        return this.#sent(one, []);
    }
  }

  #sent(bytes: Buffer, actions: readonly (ListenAction | null)[]): Translated {
    this.#log.sent(actions);
    return { bytes, refusal: null };
  }

  async #exec(bytes: readonly Buffer[], refusals: Refusal[]): Promise<void> {
    if (bytes.length === 0) return;
    const { messages, notifications } = await this.#backend.exec(Buffer.concat(bytes));
    const committed = this.#log.answered(messages);
    if (committed.length > 0) {
      const sql = this.#backend.subscriptions.apply(this, committed);
      if (sql !== '') await this.#backend.internal(sql);
    }
    if (messages.length > 0) this.push(Buffer.concat(messages.map((answer) => withReason(answer, refusals))));
    this.#backend.deliver(notifications);
    if (this.#log.status === 'I') this.#backend.turns.release(this);
  }

  /** Another connection's turn has cost us the unnamed statement; the client does not know and must not notice. */
  async #parseUnnamedAgain(): Promise<void> {
    const parse = this.names.unnamedParse;
    if (parse === null) return;
    const { messages } = await this.#backend.exec(parse);
    const answers = messages.filter((m) => m[0] !== BACKEND.parseComplete);
    this.#log.answered(answers);
    if (answers.length > 0) this.push(Buffer.concat(answers));
  }
}

function firstRefusal(statements: ReturnType<typeof scanStatements>): Refusal | null {
  return statements.map(refusedStatement).find((refusal) => refusal !== null) ?? null;
}

/** Our reason in the place of the error that `FAILS_INSTEAD` made. */
function withReason(answer: Buffer, refusals: Refusal[]): Buffer {
  if (answer[0] !== BACKEND.error || refusals.length === 0) return answer;
  if (!FAILS_WITH.test(errorFieldsBorrow(answer).get('M') ?? '')) return answer;
  const refusal = refusals.shift();
  return refusal === undefined ? answer : errorResponse({ severity: 'ERROR', ...refusal });
}
