// J5: text loses what could reach a person before it gets to the disk, unless its customer consented to keeping it as it is.
import { scrubSecrets, scrubText, scrubValue } from '@sinew/privacy';
import type { JournalRecord } from './records.js';

/** Whether a customer's text may be kept as it was given, at this moment. Asked at every append: no waiting, no throwing. */
export type MayKeepText = (customerId: string) => boolean;

/** As many as there are sessions: a robot repeats its instruction with every inference. */
const MEMO_SIZE = 2_048;

/** Scrubs records. The last few thousand answers are kept. */
export class RecordScrubber {
  readonly #mayKeepText: MayKeepText;
  readonly #scrubbed = new Memo(scrubText);
  readonly #withoutSecrets = new Memo(scrubSecrets);

  constructor(mayKeepText: MayKeepText = () => false) {
    this.#mayKeepText = mayKeepText;
  }

  /** The same record where there is nothing to scrub. */
  scrub(record: JournalRecord): JournalRecord {
    switch (record.kind) {
      case 'inference': {
        const instruction = this.#memo(record.customer_id).of(record.instruction);
        return instruction === record.instruction ? record : { ...record, instruction };
      }
      case 'session': {
        const memo = this.#memo(record.customer_id);
        const instruction = memo.of(record.instruction);
        const client = scrubValue(record.client, memo.work);
        const environment = scrubValue(record.environment, memo.work);
        const same =
          instruction === record.instruction && client === record.client && environment === record.environment;
        return same ? record : { ...record, instruction, client, environment };
      }
      case 'event':
        switch (record.event) {
          case 'instruction':
          case 'safety_incident': {
            const given = record.data.instruction;
            if (given === null) return record;
            const instruction = this.#memo(record.customer_id).of(given);
            return instruction === given
              ? record
              : ({ ...record, data: { ...record.data, instruction } } as JournalRecord);
          }
          // The reason that somebody gave.
          case 'estop':
          case 'estop_clear': {
            const data = scrubValue(record.data, this.#memo(record.customer_id).work);
            return data === record.data ? record : { ...record, data };
          }
          default:
            return record;
        }
      default:
        return record;
    }
  }

  /** How many texts are remembered, as they were given. */
  get remembered(): number {
    return this.#scrubbed.size + this.#withoutSecrets.size;
  }

  /** Somebody's data are erased: whose text is whose is not known here, so all of it goes. */
  forget(): void {
    this.#scrubbed.clear();
    this.#withoutSecrets.clear();
  }

  #memo(customerId: string): Memo {
    return this.#mayKeepText(customerId) ? this.#withoutSecrets : this.#scrubbed;
  }
}

class Memo {
  readonly work: (text: string) => string;
  readonly #answers = new Map<string, string>();

  constructor(work: (text: string) => string) {
    this.work = work;
  }

  get size(): number {
    return this.#answers.size;
  }

  clear(): void {
    this.#answers.clear();
  }

  of(text: string): string {
    const known = this.#answers.get(text);
    if (known !== undefined) return known;
    const answer = this.work(text);
    if (this.#answers.size >= MEMO_SIZE) {
      const oldest = this.#answers.keys().next();
      if (!oldest.done) this.#answers.delete(oldest.value);
    }
    this.#answers.set(text, answer);
    return answer;
  }
}
