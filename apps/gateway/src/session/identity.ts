import { randomBytes, randomFillSync, timingSafeEqual } from 'node:crypto';
import { v7 as uuidv7 } from 'uuid';

/** Random bytes for this many ids are fetched at once: one call a request cost more than everything else in it. */
const IDS_A_FILL = 256;
const ID_BYTES = 16;
const random = new Uint8Array(IDS_A_FILL * ID_BYTES);
let used = random.length;

export function newRequestId(): string {
  if (used === random.length) {
    randomFillSync(random);
    used = 0;
  }
  used += ID_BYTES;
  return uuidv7({ random: random.subarray(used - ID_BYTES, used) });
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
