import type { Pattern } from './pattern.js';

/** A capitalised word of a name. */
const NAME = String.raw`\p{Lu}[\p{L}'’.-]*`;
const AFTER = String.raw`(?:,?\s{1,3}(?:Apt|Apartment|Suite|Ste|Unit|Floor|#)\.?\s{0,3}[\w-]+)?(?:,\s{0,3}${NAME}(?:\s${NAME}){0,2})?(?:,?\s{1,3}[A-Z]{2}\s{1,3}\d{5}(?:-\d{4})?)?`;
const KIND =
  'Street|St|Avenue|Ave|Road|Rd|Boulevard|Blvd|Lane|Ln|Drive|Dr|Court|Ct|Terrace|Highway|Hwy|Parkway|Pkwy|Way|Square|Sq';

/**
 * A number and a street, in the forms that tell themselves from a count of things: most kinds of street are words of everyday
 * tasks ("drive", "way", "square"), so they count only where they are written as names.
 */
export const ADDRESS_PATTERNS: readonly Pattern[] = [
  {
    label: '[address]',
    pattern: new RegExp(
      String.raw`(?<![\w.])\d{1,5}[A-Za-z]?\s{1,3}(?:[NSEW]{1,2}\.?\s{1,3})?(?:(?:${NAME}|\d{1,3}(?:st|nd|rd|th))\s{1,3}){1,4}(?:${KIND})\b\.?${AFTER}`,
      'gu',
    ),
  },
  // Without capitals only where the words before say that somebody lives there.
  {
    label: '[address]',
    pattern:
      /(?<=\b(?:address(?: is)?:?|lives? at|living at|delivered? to|deliver it to|ship(?:ped)? to|mail(?:ed)? to)\s{1,3})\d{1,5}[a-z]?\s{1,3}(?:\p{L}[\p{L}'’-]*\s{1,3}){1,3}(?:street|avenue|boulevard|road|lane)\b/giu,
  },
  // Hauptstraße 12, Am Lindenweg 4a
  {
    label: '[address]',
    pattern:
      /(?<![\p{L}\d-])\p{Lu}[\p{L}-]*(?:straße|strasse|str\.|gasse|weg|allee|platz)\s{1,3}\d{1,4}\s?[a-z]?(?![\p{L}\d])(?:,?\s{1,3}\d{5}\s{1,3}\p{Lu}\p{L}+)?/gu,
  },
  // 10 rue de la Paix
  {
    label: '[address]',
    pattern:
      /(?<![\w.])\d{1,4}(?:\s?(?:bis|ter))?,?\s{1,3}(?:[Rr]ue|[Bb]oulevard|[Aa]venue|[Cc]hemin)\s{1,3}(?:de la |de l['’]|du |des |de )?\p{Lu}[\p{L}'’-]+(?:\s\p{Lu}[\p{L}'’-]+){0,2}/gu,
  },
  { label: '[address]', pattern: /\bP\.?\s?O\.?\s?Box\s{1,3}\d+/gi },
];
