import { randomBytes, randomFillSync, timingSafeEqual } from 'node:crypto';
import { v7 as uuidv7 } from 'uuid';

/** Random bytes for this many ids are fetched at once: one call a request cost more than everything else in it. */
const IDS_A_FILL = 256;
const ID_BYTES = 16;
const random = new Uint8Array(IDS_A_FILL * ID_BYTES);
let used = random.length;

const id = new Uint8Array(ID_BYTES);
const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));
/** Where a UUID's dashes stand: before these bytes. */
const DASHES = new Set([4, 6, 8, 10]);
const TEXT_BYTES = 36;
const text = Buffer.alloc(TEXT_BYTES, '-', 'latin1');
/** Of each byte of an id, where its two digits stand in the text. */
const PLACES = Array.from(id, (_, byte) => 2 * byte + [...DASHES].filter((dash) => dash <= byte).length);

/** UUIDv7. Its text is made in one piece: what is joined from parts stays a tree of strings until somebody reads it. */
export function newRequestId(): string {
  if (used === random.length) {
    randomFillSync(random);
    used = 0;
  }
  used += ID_BYTES;
  uuidv7({ random: random.subarray(used - ID_BYTES, used) }, id);
  for (let byte = 0; byte < ID_BYTES; byte++) {
    const digits = HEX[id[byte] as number] as string;
    const place = PLACES[byte] as number;
    text[place] = digits.charCodeAt(0);
    text[place + 1] = digits.charCodeAt(1);
  }
  return text.toString('latin1');
}

/** A fresh resume token: 192 random bits, url-safe. */
export function newResumeToken(): string {
  return randomBytes(24).toString('base64url');
}

/** Compares without telling by its duration how much was right. */
export function sameToken(a: string, b: string): boolean {
  const left = Buffer.from(a);
  const right = Buffer.from(b);
  return left.length === right.length && timingSafeEqual(left, right);
}
