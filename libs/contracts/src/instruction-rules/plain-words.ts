/** Letters of other scripts that look like Latin ones: "kіll" with a Cyrillic і reads as "kill" to a person. */
const LOOK_ALIKES = new Map<string, string>(
  (
    [
      ['а', 'a'],
      ['в', 'b'],
      ['с', 'c'],
      ['ԁ', 'd'],
      ['е', 'e'],
      ['һ', 'h'],
      ['н', 'h'],
      ['і', 'i'],
      ['ӏ', 'l'],
      ['ј', 'j'],
      ['к', 'k'],
      ['м', 'm'],
      ['о', 'o'],
      ['р', 'p'],
      ['ѕ', 's'],
      ['т', 't'],
      ['у', 'y'],
      ['х', 'x'],
      ['α', 'a'],
      ['ε', 'e'],
      ['ι', 'i'],
      ['κ', 'k'],
      ['ν', 'v'],
      ['ο', 'o'],
      ['ρ', 'p'],
      ['τ', 't'],
      ['υ', 'u'],
      ['χ', 'x'],
      ['ı', 'i'],
      ['ł', 'l'],
      ['ø', 'o'],
    ] as const
  ).map(([from, to]) => [from, to]),
);
/** Digits and signs read as letters, inside words only: "k1ll" but not "cube 1". */
const SIGNS: Readonly<Record<string, string>> = {
  '0': 'o',
  '1': 'i',
  '3': 'e',
  '4': 'a',
  '5': 's',
  '7': 't',
  '@': 'a',
  $: 's',
};

/**
 * The text as rules read it: one space between words, ASCII letters and digits wherever they can be had, lower case. Accents, invisible
 * characters, look-alikes, signs for letters and letters set apart ("k.i.l.l") are undone. A possessive keeps a word of its own
 * ("the man's cup" becomes "the man s cup"), because a person's cup is not the person.
 */
export function plainWords(text: string): string {
  return text
    .normalize('NFKD')
    .replace(/[\p{M}\p{Cf}\p{Variation_Selector}]/gu, '')
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[^\p{ASCII}]/gu, (letter) => LOOK_ALIKES.get(letter) ?? letter)
    .replace(/(\p{L})['’`´]s(?![\p{L}\p{N}])/gu, '$1 s ')
    .replace(/s['’`´](?=\s|$)/gu, 's s ')
    .replace(/['’`´]/gu, '')
    .replace(/[^\s]+/gu, unsigned)
    .replace(/[^\p{L}\p{N}]+/gu, ' ')
    .replace(/(?<![\p{L}\p{N}])\p{L}(?: \p{L}(?![\p{L}\p{N}])){2,}/gu, together)
    .trim();
}

function unsigned(word: string): string {
  if (!/\p{L}/u.test(word) || !/[013457@$]/.test(word)) return word;
  return word.replace(/[013457@$]/g, (sign, at: number) => {
    // At a word's end a sign is a sign ("cube2", "cost 5$"); between letters it stands for one.
    const inside = /\p{L}/u.test(word.slice(at + 1)) || at === 0;
    return inside ? (SIGNS[sign] ?? sign) : sign;
  });
}

/** "k i l l a man": the article is none of the letters set apart. */
function together(apart: string): string {
  const word = apart.replaceAll(' ', '');
  return word.length > 3 && word.endsWith('a') ? `${word.slice(0, -1)} a` : word;
}
