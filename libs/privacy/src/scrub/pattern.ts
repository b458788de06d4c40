export interface Pattern {
  /** What stands in the text instead. */
  readonly label: string;
  /** Global. Begins where a word can begin, so that a long text without a match is read once. */
  readonly pattern: RegExp;
  /** What a regular expression cannot count. */
  readonly accept?: (match: string) => boolean;
}

export const digitsOf = (text: string): string => text.replace(/\D/g, '');
