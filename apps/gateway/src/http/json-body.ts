import { RequestFault } from './request-fault.js';

const utf8 = new TextDecoder('utf-8', { fatal: true });
/** Of ES2024, which Node 20 has; not an expression, which takes tens of milliseconds for a picture. */
interface Checked {
  isWellFormed(): boolean;
}

/** What JSON can write and a database cannot keep: U+0000, or half of a surrogate pair. */
const isStorable = (text: string): boolean => !text.includes('\0') && (text as unknown as Checked).isWellFormed();

/** A body as JSON; undefined where there is none, so that a schema may say that it is optional. */
export function parseJson(body: Buffer): unknown {
  if (body.length === 0) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(utf8.decode(body));
  } catch {
    throw RequestFault.of('bad_message', 'body', '', 'is not JSON in UTF-8');
  }
  // Valid UTF-8 holds neither, except where it is escaped: most bodies need no second look.
  if (body.includes('\\u')) refuseUnstorable(value);
  return value;
}

/** Without recursion: a body may be nested as deep as it is long. */
function refuseUnstorable(root: unknown): void {
  const left: { value: unknown; field: string }[] = [{ value: root, field: '' }];
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    const { value, field } = next;
    if (typeof value === 'string') {
      if (!isStorable(value)) throw unstorable(field);
    } else if (typeof value === 'object' && value !== null) {
      for (const [name, each] of Object.entries(value)) {
        if (!isStorable(name)) throw unstorable(field);
        left.push({ value: each, field: field === '' ? name : field });
      }
    }
  }
}

const unstorable = (field: string): RequestFault =>
  RequestFault.of('validation_failed', 'body', field, 'holds U+0000 or half of a surrogate pair');
