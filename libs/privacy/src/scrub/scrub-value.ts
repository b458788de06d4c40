import { scrubText } from './scrub.js';

/** Deeper than anything that is kept: what lies below is not looked into and not kept. */
const MOST_DEPTH = 8;

/** Plain data with every text in it scrubbed; the same value where there was nothing to scrub. Names of fields stay. */
export function scrubValue<T>(value: T, scrub: (text: string) => string = scrubText): T {
  return scrubbed(value, scrub, 0) as T;
}

function scrubbed(value: unknown, scrub: (text: string) => string, depth: number): unknown {
  if (typeof value === 'string') return scrub(value);
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return value;
  if (depth === MOST_DEPTH) return null;
  if (Array.isArray(value)) {
    const list = value.map((each) => scrubbed(each, scrub, depth + 1));
    return list.some((each, i) => each !== value[i]) ? list : value;
  }
  const entries = Object.entries(value);
  const done = entries.map(([name, each]) => [name, scrubbed(each, scrub, depth + 1)] as const);
  return done.some(([, each], i) => each !== entries[i]?.[1]) ? Object.fromEntries(done) : value;
}
