import type { HttpResponse } from 'uWebSockets.js';

export type Body =
  | { readonly kind: 'ok'; readonly bytes: Buffer }
  | { readonly kind: 'too_large' }
  | { readonly kind: 'aborted' };

/** Reads a request body of at most `maxBytes`. Must be called before the first await of its handler. */
export function readBody(res: HttpResponse, maxBytes: number, aborted: () => boolean): Promise<Body> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let size = 0;
    res.onData((chunk, isLast) => {
      if (aborted()) return resolve({ kind: 'aborted' });
      size += chunk.byteLength;
      if (size > maxBytes) {
        chunks.length = 0;
        // The rest is read and dropped, up to a limit beyond which the connection is not worth keeping.
        if (isLast || size > 4 * maxBytes) resolve({ kind: 'too_large' });
        return;
      }
      chunks.push(Buffer.from(chunk.slice(0)));
      if (isLast) resolve({ kind: 'ok', bytes: Buffer.concat(chunks) });
    });
  });
}
