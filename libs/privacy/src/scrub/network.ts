import type { Pattern } from './pattern.js';

const OCTET = String.raw`(?:25[0-5]|2[0-4]\d|1?\d?\d)`;
const IPV4 = String.raw`${OCTET}(?:\.${OCTET}){3}`;

export const NETWORK_PATTERNS: readonly Pattern[] = [
  {
    label: '[email]',
    pattern: /(?<![\p{L}\p{N}._%+-])[\p{L}\p{N}._%+-]+\s?(?:@|[([]at[)\]])\s?[\p{L}\p{N}-]+(?:\.[\p{L}\p{N}-]+)+/giu,
  },
  {
    label: '[ip]',
    pattern: new RegExp(
      String.raw`(?<![\w:.])(?:[\da-f]{0,4}:){2,6}${IPV4}(?![\w:.]\w)|(?<![\w:.])[\da-f]{0,4}(?::[\da-f]{0,4}){2,7}(?:%\w+)?(?:/\d{1,3})?(?![\w:])`,
      'gi',
    ),
    accept: isIpv6,
  },
  { label: '[ip]', pattern: new RegExp(String.raw`(?<![\w.])${IPV4}(?:/\d{1,2})?(?!\.?\w)`, 'g') },
];

/** RFC 4291, 2.2: eight groups, or fewer around one `::`; the last two may be an IPv4 address. A time of day is none. */
function isIpv6(text: string): boolean {
  const address = text.replace(/[%/].*$/, '').replace(/\d+(\.\d+){3}$/, '0:0');
  const halves = address.split('::');
  if (halves.length > 2) return false;
  const groups = halves.flatMap((half) => (half === '' ? [] : half.split(':')));
  if (groups.some((group) => !/^[\da-f]{1,4}$/i.test(group))) return false;
  return halves.length === 1 ? groups.length === 8 : groups.length >= 1 && groups.length <= 7;
}
