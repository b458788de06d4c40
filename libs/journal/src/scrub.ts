// J5: instruction text loses what could name a person before it reaches the disk. Patterns, not understanding: what is certain
// (addresses, numbers) is cut out here; names and postal addresses need the privacy library.
import type { JournalRecord } from './records.js';

interface Pattern {
  readonly label: string;
  readonly pattern: RegExp;
  readonly accept?: (match: string) => boolean;
}

const PATTERNS: readonly Pattern[] = [
  { label: '[email]', pattern: /[\p{L}\p{N}._%+-]+@[\p{L}\p{N}-]+(?:\.[\p{L}\p{N}-]+)+/gu },
  { label: '[ip]', pattern: /\b(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)\b/g },
  {
    label: '[ip]',
    pattern: /(?<![\w:])(?:[\da-f]{1,4}:){2,7}(?::?[\da-f]{1,4}){1,7}(?![\w:])/gi,
    accept: (text) => text.length > 8,
  },
  { label: '[card]', pattern: /\b\d(?:[ -]?\d){12,18}\b/g, accept: passesLuhn },
  { label: '[ssn]', pattern: /\b\d{3}-\d{2}-\d{4}\b/g },
  // Nine digits or more with a phone number's marks. Spaces and points together are coordinates: "0.125 0.250 0.375" stays.
  {
    label: '[phone]',
    pattern: /(?<![\w.])\+?\(?\d[\d ().-]{7,18}\d(?![\w.]*\d)/g,
    accept: (text) => digits(text).length >= 9 && !/\d\.\d.* | .*\d\.\d/.test(text),
  },
];

const MEMO_SIZE = 512;

/** The text with e-mail and IP addresses, card, social security and phone numbers replaced by their kind in brackets. */
export function scrubText(text: string): string {
  let scrubbed = text;
  for (const { label, pattern, accept } of PATTERNS) {
    scrubbed = scrubbed.replace(pattern, (match) => (accept === undefined || accept(match) ? label : match));
  }
  return scrubbed;
}

/** Scrubs records. A robot repeats its instruction with every inference, so the last few hundred answers are kept. */
export class InstructionScrubber {
  readonly #memo = new Map<string, string>();

  /** The same record where there is nothing to scrub. */
  scrub(record: JournalRecord): JournalRecord {
    switch (record.kind) {
      case 'inference':
      case 'session': {
        const instruction = this.#text(record.instruction);
        return instruction === record.instruction ? record : { ...record, instruction };
      }
      case 'event': {
        if (record.event !== 'instruction' && record.event !== 'safety_incident') return record;
        if (record.data.instruction === null) return record;
        const instruction = this.#text(record.data.instruction);
        if (instruction === record.data.instruction) return record;
        return { ...record, data: { ...record.data, instruction } } as JournalRecord;
      }
      case 'ticks':
        return record;
    }
  }

  #text(text: string): string {
    const known = this.#memo.get(text);
    if (known !== undefined) return known;
    const scrubbed = scrubText(text);
    if (this.#memo.size >= MEMO_SIZE) {
      const oldest = this.#memo.keys().next();
      if (!oldest.done) this.#memo.delete(oldest.value);
    }
    this.#memo.set(text, scrubbed);
    return scrubbed;
  }
}

function digits(text: string): string {
  return text.replace(/\D/g, '');
}

/** Luhn, ISO/IEC 7812-1 annex B: tells card numbers from other long numbers. */
function passesLuhn(text: string): boolean {
  let sum = 0;
  let double = false;
  const all = digits(text);
  for (let index = all.length - 1; index >= 0; index--) {
    const digit = Number(all[index]) * (double ? 2 : 1);
    sum += digit > 9 ? digit - 9 : digit;
    double = !double;
  }
  return sum % 10 === 0;
}
