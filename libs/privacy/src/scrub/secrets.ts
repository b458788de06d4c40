import type { Pattern } from './pattern.js';

export const SECRET_PATTERNS: readonly Pattern[] = [
  { label: '[key]', pattern: /\bvla_(?:live|test)_[\w-]{8,}/g },
  // A JSON web token: three parts of base64url, the first an object.
  { label: '[key]', pattern: /\beyJ[\w-]{8,}\.[\w-]{4,}\.[\w-]*/g },
  { label: '[key]', pattern: /\bBearer\s{1,3}[\w.~+/-]{16,}=*/gi },
];
