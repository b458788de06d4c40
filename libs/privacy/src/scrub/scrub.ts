// Text loses what could name or reach a person. Patterns, not understanding: a first name alone ("hand it to Ana"), a street
// without a number and a phone number written like a row of coordinates are not found.
import { ADDRESS_PATTERNS } from './addresses.js';
import { NAME_PATTERNS } from './names.js';
import { NETWORK_PATTERNS } from './network.js';
import { NUMBER_PATTERNS } from './numbers.js';
import type { Pattern } from './pattern.js';
import { SECRET_PATTERNS } from './secrets.js';

/** In this order: what an earlier one took is no longer there for a later one to mistake. */
const PATTERNS: readonly Pattern[] = [
  ...SECRET_PATTERNS,
  ...NETWORK_PATTERNS,
  ...NUMBER_PATTERNS,
  ...ADDRESS_PATTERNS,
  ...NAME_PATTERNS,
];

/**
 * The text with secrets, e-mail and IP addresses, card, social security and phone numbers, street addresses and titled names
 * replaced by their kind in brackets. Scrubbing what is scrubbed changes nothing.
 */
export const scrubText = (text: string): string => replaceAll(text, PATTERNS);

/** Only keys and tokens: nobody consents to those being kept. */
export const scrubSecrets = (text: string): string => replaceAll(text, SECRET_PATTERNS);

function replaceAll(text: string, patterns: readonly Pattern[]): string {
  let scrubbed = text;
  for (const { label, pattern, accept } of patterns) {
    scrubbed = scrubbed.replace(pattern, (match) => (accept === undefined || accept(match) ? label : match));
  }
  return scrubbed;
}
