const MAX_CHARS = 500;
const MIN_WORDS = 3;

/** Why an instruction is refused, or null. A policy asked to do nothing in particular does something in particular. */
export function instructionFault(instruction: string): string | null {
  const text = instruction.trim();
  if (text.length > MAX_CHARS) return `has ${text.length} characters; at most ${MAX_CHARS}`;
  const words = text.split(/\s+/).filter((word) => /[\p{L}\p{N}]/u.test(word)).length;
  if (words < MIN_WORDS) return `has ${words} words; at least ${MIN_WORDS}, such as "pick up the red cube"`;
  return null;
}
