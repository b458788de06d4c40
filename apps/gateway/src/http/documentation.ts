import { ALL_ROUTES, docsRoute, documentPage, openApiDocument, openApiRoute } from '@sinew/contracts';
import { version } from '../version.js';
import { bind, type Route } from './bind.js';
import type { Reply } from './reply.js';

/** The page brings its own style and nothing else; should a text in it ever be markup, it runs nothing. */
const CONTENT_SECURITY_POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'";

/** The documentation of every endpoint, made once from their contracts. */
export function documentationRoutes(): Route[] {
  const { document, page } = documents();
  return [bind(openApiRoute, () => document), bind(docsRoute, () => page)];
}

let made: { readonly document: Reply; readonly page: Reply } | null = null;

/** Made before robots are there, and once a process: writing all schemas takes longer than a control tick. */
function documents(): { readonly document: Reply; readonly page: Reply } {
  if (made !== null) return made;
  const document = openApiDocument(ALL_ROUTES, { version });
  made = {
    document: { status: 200, body: Buffer.from(JSON.stringify(document)), contentType: 'application/json' },
    page: {
      status: 200,
      body: Buffer.from(documentPage(document)),
      contentType: 'text/html; charset=utf-8',
      headers: { 'Content-Security-Policy': CONTENT_SECURITY_POLICY },
    },
  };
  return made;
}
