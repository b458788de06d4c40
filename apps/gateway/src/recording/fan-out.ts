import type { TickResult } from '@sinew/control';
import type { JournalRecord } from '@sinew/journal';
import type { AcceptedObservation } from '../session/observation-box.js';
import type { Session } from '../session/session.js';
import type { SessionTap } from './session-tap.js';

/** Everybody who records a session. A session that nobody records has no tap at all. */
export class FanOut implements SessionTap {
  readonly #taps = new Set<SessionTap>();

  static attach(session: Session, tap: SessionTap): void {
    const existing = session.tap;
    const all = existing instanceof FanOut ? existing : new FanOut();
    all.#taps.add(tap);
    session.tap = all;
  }

  static detach(session: Session, tap: SessionTap): void {
    const { tap: all } = session;
    if (!(all instanceof FanOut)) return;
    all.#taps.delete(tap);
    if (all.#taps.size === 0) session.tap = null;
  }

  observed(observation: AcceptedObservation): void {
    this.#each((tap) => tap.observed(observation));
  }

  ticked(n: number, result: TickResult): void {
    this.#each((tap) => tap.ticked(n, result));
  }

  recorded(record: JournalRecord): void {
    this.#each((tap) => tap.recorded(record));
  }

  ended(): void {
    this.#each((tap) => tap.ended());
  }

  failed(error: unknown): void {
    this.#each((tap) => tap.failed(error));
  }

  /** A recording that fails ends by itself: an e-stop is handled whatever becomes of its line in a log. */
  #each(tell: (tap: SessionTap) => void): void {
    for (const tap of [...this.#taps]) {
      try {
        tell(tap);
      } catch (error) {
        this.#taps.delete(tap);
        tap.failed(error);
      }
    }
  }
}
