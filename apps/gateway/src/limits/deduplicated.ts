import type { Dedup } from '@sinew/cache';
import type { HotCounter } from '@sinew/telemetry';
import { errorReply, type Reply } from '../http/reply.js';

/** A request that names itself. */
export interface NamedRequest {
  readonly customerId: string;
  /** By the client. */
  readonly requestId: string;
  /** A digest of what is asked. */
  readonly content: string;
}

/**
 * Runs a request once: asked the same again within a minute it is answered as before, word for word; while it runs, and in the five
 * minutes after, it is a `duplicate`. `run` says through `kept` that something came of it: what was refused before may be sent
 * again under the same id. Only the answer is kept, never what was sent.
 */
export async function deduplicated(
  dedup: Dedup,
  hits: HotCounter,
  { customerId, requestId, content }: NamedRequest,
  run: (kept: () => void) => Promise<Reply>,
): Promise<Reply> {
  const id = requestId.toLowerCase();
  const claim = await dedup.claim(customerId, id);
  if (claim.kind !== 'new') hits.inc();
  switch (claim.kind) {
    case 'answered':
      if (claim.answer.content !== content) {
        return duplicate(requestId, 'This request_id was used for another request; a new request needs a new one');
      }
      return {
        status: claim.answer.status,
        body: claim.answer.body,
        contentType: 'application/json',
        headers: { 'Idempotent-Replayed': 'true' },
      };
    case 'running':
      return duplicate(requestId, 'This request_id is being answered; wait for it');
    case 'duplicate':
      return duplicate(requestId, 'This request_id was answered before; a new request needs a new one');
    case 'new':
  }
  let keep = false;
  try {
    const reply = await run(() => {
      keep = true;
    });
    if (keep) await dedup.answer(customerId, id, { status: reply.status, body: textOf(reply), content });
    else await dedup.abandon(customerId, id);
    return reply;
  } catch (error) {
    await dedup.abandon(customerId, id);
    throw error;
  }
}

const textOf = ({ body }: Reply): string => (typeof body === 'string' ? body : Buffer.from(body).toString('utf8'));

const duplicate = (requestId: string, message: string): Reply =>
  errorReply('duplicate', message, requestId, { field: 'request_id', reason: 'used within the last five minutes' });
