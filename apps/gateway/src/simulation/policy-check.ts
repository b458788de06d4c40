import type { PolicyInput } from '@sinew/policy';
import { seen } from './picture.js';
import type { RuleBook } from './rules.js';
import type { SessionCheck } from './session-check.js';
import type { VirtualRobot } from './virtual-robot.js';

export type BatchEnd = 'answered' | 'lost' | 'lost_unbegun';

interface Run {
  readonly sessionId: string;
  readonly seq: number;
  /** Batches with it that were lost after they had begun. */
  lost: number;
  answered: boolean;
}

/** Q rules, from the policy's side: what it is given, when, and how often. */
export class PolicyCheck {
  readonly #book: RuleBook;
  readonly #sessionOf: (id: string) => SessionCheck | undefined;
  readonly #robots: readonly VirtualRobot[];
  readonly #inFlight = new Map<string, PolicyInput>();
  readonly #runs = new WeakMap<PolicyInput, Run>();

  constructor(book: RuleBook, sessionOf: (id: string) => SessionCheck | undefined, robots: readonly VirtualRobot[]) {
    this.#book = book;
    this.#sessionOf = sessionOf;
    this.#robots = robots;
  }

  running(inputs: readonly PolicyInput[]): void {
    for (const input of inputs) {
      const id = (input.session as { id?: string } | undefined)?.id ?? '';
      const picture = seen(input);
      if (picture === null) {
        this.#book.broken('S5', 'a policy is given a picture that somebody wrote over');
        continue;
      }
      const { robot, seq } = picture;
      const who = this.#robots[robot];
      const where = (): string => `${who?.name}, observation ${seq}`;
      this.#book.check('Q3', !this.#inFlight.has(id), () => `${where()} is sent while another one is in flight`);
      this.#inFlight.set(id, input);
      const looked = who?.looked.get(id)?.get(seq);
      this.#book.check('S5', looked?.some((state) => same(state, input.state)) === true, () => {
        return `${where()} reaches the policy with another state than it was sent with`;
      });
      let run = this.#runs.get(input);
      const firstTime = run === undefined;
      if (run === undefined) {
        run = { sessionId: id, seq, lost: 0, answered: false };
        this.#runs.set(input, run);
      }
      this.#book.check('Q5', !run.answered && run.lost < 2, () => {
        return `${where()} is run again after ${run.lost} lost batches${run.answered ? ' and an answer' : ''}`;
      });
      // Of a session that is closed by now the scheduler may still hold a retry.
      this.#sessionOf(id)?.inferred(seq, firstTime);
    }
  }

  ended(inputs: readonly PolicyInput[], how: BatchEnd): void {
    for (const input of inputs) {
      const run = this.#runs.get(input);
      if (run === undefined) continue;
      this.#inFlight.delete(run.sessionId);
      if (how === 'answered') run.answered = true;
      if (how === 'lost') run.lost++;
      const picture = seen(input);
      this.#book.check(
        'S5',
        picture?.seq === run.seq,
        () => `the picture of observation ${run.seq} was written over while it was computed`,
      );
    }
  }
}

const same = (a: Float64Array, b: Float64Array): boolean => a.length === b.length && a.every((x, i) => x === b[i]);
