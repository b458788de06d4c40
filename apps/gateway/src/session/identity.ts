import { randomBytes, timingSafeEqual } from 'node:crypto';

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
