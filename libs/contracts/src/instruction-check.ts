import { plainWords } from './instruction-rules/plain-words.js';
import { INSTRUCTION_RULES, type InstructionSeverity } from './instruction-rules/table.js';

/** Longer text is no instruction, and every rule reads all of it. */
export const MOST_CHARS = 500;
/** A policy asked to do nothing in particular does something in particular. */
export const LEAST_WORDS = 3;

/** Line breaks and tabs are white space; everything else of Cc, a lone half of a pair, or what turns text around is not for a policy. */
const UNPRINTABLE = /[\p{Cc}\p{Cs}\u202a-\u202e\u2066-\u2069]/u;

/** `form`: no instruction at all. `safety`: one that is refused for what it asks. */
export type InstructionFault =
  | { readonly kind: 'form'; readonly rule: FormRule; readonly severity: 'low'; readonly reason: string }
  | {
      readonly kind: 'safety';
      readonly rule: string;
      readonly severity: InstructionSeverity;
      readonly reason: string;
    };

export type FormRule = 'too_long' | 'unprintable' | 'too_few_words';

/**
 * The fourth safety check: the first rule that an instruction breaks, or null. Rules over words, not understanding, and English
 * only: they stop what is plainly meant to hurt or to get around the limits. What the words do not show, the governor holds.
 * `reason` begins with the rule's id and is fit for the client.
 */
export function checkInstruction(instruction: string): InstructionFault | null {
  const text = instruction.trim();
  if (text.length > MOST_CHARS) return form('too_long', `has ${text.length} characters; at most ${MOST_CHARS}`);
  if (UNPRINTABLE.test(text.replace(/[\t\n\r]/g, ' '))) {
    return form('unprintable', 'holds control characters, half a surrogate pair or marks that turn text around');
  }
  const words = text.split(/\s+/).filter((word) => /[\p{L}\p{N}]/u.test(word)).length;
  if (words < LEAST_WORDS) {
    return form('too_few_words', `has ${words} words; at least ${LEAST_WORDS}, such as "pick up the red cube"`);
  }
  const plain = plainWords(text);
  for (const { id, severity, reason, matches } of INSTRUCTION_RULES) {
    if (matches(plain)) return { kind: 'safety', rule: id, severity, reason: `${id}: ${reason}` };
  }
  return null;
}

function form(rule: FormRule, what: string): InstructionFault {
  return { kind: 'form', rule, severity: 'low', reason: `${rule}: ${what}` };
}
