import type { JournalWriter } from '@sinew/journal';
import { SinewError } from '@sinew/protocol';
import type { Logger } from '@sinew/telemetry';
import { z } from 'zod';
import type { Clock } from '../clock.js';
import type { SessionRegistry } from '../session/registry.js';
import { errorReply, json, type Reply } from './reply.js';
import type { RequestContext, Route } from './router.js';

export interface EstopClearDeps {
  readonly sessions: SessionRegistry;
  readonly journal: JournalWriter;
  readonly clock: Clock;
  readonly log: Logger;
}

const ROBOT_ID = /^[A-Za-z0-9._-]{1,64}$/;
/** Why it is safe to move again, for whoever reads the journal later. */
const Body = z.object({ reason: z.string().trim().min(1).max(500).optional() });

/**
 * POST `/v1/admin/robots/{robot_id}/estop-clear` (S11): an operator releases the latch of a robot whose own client cannot. The
 * key needs the scope `admin` and reaches its own customer's robots only. Who did it, and why, stands in the journal.
 */
export function estopClearRoute(deps: EstopClearDeps): Route {
  return {
    method: 'post',
    path: '/v1/admin/robots/:robot_id/estop-clear',
    access: { kind: 'key', scope: 'admin' },
    handle: (context) => clear(deps, context),
  };
}

async function clear(deps: EstopClearDeps, { body, parameter, principal, requestId }: RequestContext): Promise<Reply> {
  const { clock, journal, log, sessions } = deps;
  // The route demands a key: somebody must have done it.
  if (principal === null) throw new SinewError('unauthorized', 'A key with the scope `admin` is needed');
  const parsed = Body.safeParse(parseJson(body));
  if (!parsed.success) return invalid('reason', 'must be a text of 1 to 500 characters', requestId);
  if (!ROBOT_ID.test(parameter)) return invalid('robot_id', 'must be 1 to 64 of A-Z a-z 0-9 . _ -', requestId);
  const { customerId, keyId } = principal;
  const session = sessions.ofRobot(customerId, parameter);
  const latch = journal.latches.find((each) => each.customer_id === customerId && each.robot_id === parameter);
  if (latch === undefined) {
    return json({ robot_id: parameter, cleared: false, session_id: session?.id ?? null, request_id: requestId });
  }
  const { reason } = parsed.data;
  const by = { by: 'operator', key_id: keyId, request_id: requestId, ...(reason === undefined ? {} : { reason }) };
  if (session !== undefined) session.releaseEstop(by);
  else {
    journal.append({
      v: 1,
      kind: 'event',
      event: 'estop_clear',
      log_id: null,
      t_ms: clock.now(),
      session_id: null,
      customer_id: customerId,
      robot_id: parameter,
      episode: null,
      data: by,
    });
  }
  log.warn({ customer_id: customerId, robot_id: parameter, ...by }, 'e-stop cleared by an operator');
  await journal.sync();
  return json({
    robot_id: parameter,
    cleared: true,
    latched_since_ms: latch.since_ms,
    latched_by: latch.by,
    session_id: session?.id ?? null,
    request_id: requestId,
  });
}

function parseJson(body: Buffer): unknown {
  if (body.length === 0) return {};
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return null;
  }
}

function invalid(field: string, reason: string, requestId: string): Reply {
  return errorReply('validation_failed', `${field}: ${reason}`, requestId, { field, reason });
}
