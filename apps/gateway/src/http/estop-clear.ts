import { clearEstopRoute } from '@sinew/contracts';
import type { JournalWriter } from '@sinew/journal';
import type { Logger } from '@sinew/telemetry';
import type { Clock } from '../clock.js';
import type { SessionRegistry } from '../session/registry.js';
import { bind, type Route } from './bind.js';
import { json } from './reply.js';

export interface EstopClearDeps {
  readonly sessions: SessionRegistry;
  readonly journal: JournalWriter;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * POST `/v1/admin/robots/{robot_id}/estop-clear` (S11): an operator releases the latch of a robot whose own client cannot. The
 * key needs the scope `admin` and reaches its own customer's robots only. Who did it, and why, stands in the journal.
 */
export function estopClearRoute({ clock, journal, log, sessions }: EstopClearDeps): Route {
  return bind(clearEstopRoute, async ({ params, body, principal, requestId }) => {
    const { robot_id } = params;
    const { customerId, keyId } = principal;
    const session = sessions.ofRobot(customerId, robot_id);
    const latch = journal.latches.find((each) => each.customer_id === customerId && each.robot_id === robot_id);
    if (latch === undefined) {
      return json({ robot_id, cleared: false, session_id: session?.id ?? null, request_id: requestId });
    }
    const by = { by: 'operator', key_id: keyId, request_id: requestId, reason: body.reason };
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
        robot_id,
        episode: null,
        data: by,
      });
    }
    // Why stands in the journal, scrubbed; what a person wrote has no place in a log.
    log.warn(
      { customer_id: customerId, robot_id, key_id: keyId, request_id: requestId },
      'e-stop cleared by an operator',
    );
    await journal.sync();
    return json({
      robot_id,
      cleared: true,
      latched_since_ms: latch.since_ms,
      latched_by: latch.by,
      session_id: session?.id ?? null,
      request_id: requestId,
    });
  });
}
