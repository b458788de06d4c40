import { digitsOf, type Pattern } from './pattern.js';

/** A number before one of these is a measurement, whatever its shape. */
const NO_UNIT = String.raw`(?!\s?(?:mm|cm|m|km|in|ft|deg|degrees|rad|ms|s|kg|g|n|nm|hz|°|%)(?![\p{L}\d]))`;
/** Words that say that a number is a phone number. Not ring, dial, cell, text or contact: those are things and tasks. */
const PHONE_CUE = String.raw`(?<=\b(?:call|phone|telephone|tel|fax|whatsapp|sms)\b[^\d+]{0,24})`;

export const NUMBER_PATTERNS: readonly Pattern[] = [
  {
    label: '[card]',
    // In one piece, or in the groups that are embossed: coordinates are grouped otherwise.
    pattern: /(?<![\w.-])(?:\d{13,19}|\d{4}([ -])\d{4}\1\d{4}\1\d{1,7}|\d{4}([ -])\d{6}\2\d{4,5})(?![\w-]|\.\d)/g,
    accept: isCard,
  },
  { label: '[ssn]', pattern: /(?<![\w-])\d{3}-\d{2}-\d{4}(?![\w-])/g },
  { label: '[ssn]', pattern: /(?<=\b(?:ssn|social security(?: number)?)\b\D{0,8})\d{3}[ -]?\d{2}[ -]?\d{4}\b/gi },
  // International, ITU-T E.123.
  {
    label: '[phone]',
    pattern: new RegExp(String.raw`(?<![\w.+-])(?:\+|00)\s?\d(?:[ ()./-]{0,3}\d){7,14}(?![\w.]*\d)${NO_UNIT}`, 'giu'),
    accept: isInternational,
  },
  // North American, with its marks.
  {
    label: '[phone]',
    pattern: new RegExp(
      String.raw`(?<![\w.+-])(?:1[ .-])?(?:\(\d{3}\)\s?\d{3}[ .-]?|\d{3}([.-])\d{3}\1)\d{4}(?![\w-]|\.\d)${NO_UNIT}`,
      'giu',
    ),
  },
  // National, with a trunk 0 and a mark after the area code: 030/1234567, (089) 12 34 56 78, 0171-1234567.
  {
    label: '[phone]',
    pattern: new RegExp(
      String.raw`(?<![\w.+-])(?:\(0\d{1,4}\)\s?|0\d{2,4}(?:\s?[/-]\s?|\s(?=\d{5})))\d(?:[ -]?\d){4,9}(?![\w-]|\.\d)${NO_UNIT}`,
      'giu',
    ),
  },
  // In one piece: serial numbers are this long too, and go with them.
  { label: '[phone]', pattern: /(?<![\w.+-])\d{10,15}(?![\w-]|\.\d)/g },
  // Any shape after a word that announces it.
  {
    label: '[phone]',
    pattern: new RegExp(String.raw`${PHONE_CUE}\+?\(?\d(?:[ ()./-]{0,2}\d){6,14}(?![\w.]*\d)${NO_UNIT}`, 'giu'),
    accept: (text) => !/\d\.\d+ | \d+\.\d/.test(text),
  },
];

/** Card numbers begin with 2 to 6 by the schemes in use, and end with the check digit of Luhn (ISO/IEC 7812-1, annex B). */
function isCard(text: string): boolean {
  const all = digitsOf(text);
  if (!/^(?:4|5|6|2[2-7]|3[0-9])/.test(all)) return false;
  let sum = 0;
  let double = false;
  for (let index = all.length - 1; index >= 0; index--) {
    const digit = Number(all[index]) * (double ? 2 : 1);
    sum += digit > 9 ? digit - 9 : digit;
    double = !double;
  }
  return sum % 10 === 0;
}

/** "+0.12 0.34" and "+100 -200 +300" are offsets: no number has decimals, or two signs. */
function isInternational(text: string): boolean {
  const digits = digitsOf(text).length;
  return digits >= (/\d{8}/.test(text) ? 8 : 10) && !/\d\.\d{1,2}(?!\d)| -\d/.test(text);
}
