import type { ListenAction } from './sql-scan.js';
import { BACKEND, commandTag } from './wire-frames.js';

/**
 * Follows one connection's turn through the backend's answers: which LISTEN and UNLISTEN took effect, and when the session
 * is free again. The k-th completion belongs to the k-th statement that was sent.
 */
export class TurnLog {
  #expected: (ListenAction | null)[] = [];
  #done: ListenAction[] = [];
  #undone = false;
  #status: 'I' | 'T' | 'E' | 'unsynced' = 'I';

  /** `unsynced`: messages were sent and no ReadyForQuery answered them yet. */
  get status(): 'I' | 'T' | 'E' | 'unsynced' {
    return this.#status;
  }

  sent(actions: readonly (ListenAction | null)[]): void {
    this.#expected.push(...actions);
    this.#status = 'unsynced';
  }

  /** Reads an answer. Answers the subscriptions' changes when a turn ends committed, else an empty list. */
  answered(messages: readonly Buffer[]): ListenAction[] {
    let committed: ListenAction[] = [];
    for (const answer of messages) {
      switch (answer[0]) {
        case BACKEND.commandComplete: {
          const action = this.#expected.shift() ?? null;
          if (action !== null) this.#done.push(action);
          if (commandTag(answer) === 'ROLLBACK') this.#undone = true;
          break;
        }
        case BACKEND.emptyQuery:
        case PORTAL_SUSPENDED:
          this.#expected.shift();
          break;
        case BACKEND.error:
          this.#undone = true;
          break;
        case BACKEND.readyForQuery:
          committed = [...committed, ...this.#ready(String.fromCharCode(answer[5] ?? 0))];
          break;
        default:
      }
    }
    return committed;
  }

  #ready(status: string): ListenAction[] {
    this.#expected = [];
    this.#status = status === 'T' ? 'T' : status === 'E' ? 'E' : 'I';
    // Back in a sound transaction after a rollback: it went to a savepoint only. The subscriptions before it stand.
    if (this.#status === 'T') this.#undone = false;
    if (this.#status !== 'I') return [];
    const committed = this.#undone ? [] : this.#done;
    this.#done = [];
    this.#undone = false;
    return committed;
  }
}

const PORTAL_SUSPENDED = 0x73;
