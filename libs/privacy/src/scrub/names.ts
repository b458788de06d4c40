import type { Pattern } from './pattern.js';

const NAME = String.raw`\p{Lu}[\p{L}'’-]+`;

/** Names that say they are: after a title, or after who they are told to be. Others look like any word. */
export const NAME_PATTERNS: readonly Pattern[] = [
  {
    label: '[name]',
    pattern: new RegExp(
      String.raw`(?<![\p{L}\d])(?:Mr|Mrs|Ms|Miss|Mx|Dr|Prof|Professor|Herr|Frau|Mme|Mlle|Monsieur|Madame|Señora?)\.?\s{1,3}${NAME}(?:\s{1,3}${NAME}){0,2}`,
      'gu',
    ),
  },
  {
    label: '[name]',
    pattern: new RegExp(
      String.raw`(?<=\b(?:[Nn]ame is|[Nn]ame:|[Pp]atient|[Cc]ustomer|[Oo]perator)\s{1,3})${NAME}(?:\s{1,3}${NAME}){1,2}`,
      'gu',
    ),
  },
];
