import { recordSessionRoute } from '@sinew/contracts';
import { SinewError } from '@sinew/protocol';
import type { Logger } from '@sinew/telemetry';
import { bind, type Route } from '../http/bind.js';
import type { SessionRegistry } from '../session/registry.js';
import { MOST_STREAMS, type Recordings } from './recordings.js';

export interface RecordingRouteDeps {
  readonly sessions: Pick<SessionRegistry, 'get'>;
  readonly recordings: Pick<Recordings, 'stream' | 'streams'>;
  readonly log: Logger;
}

const MOST_PER_KEY = 8;

/** Images are the customer's own, on their way to the customer: no consent is asked for where nothing is kept. */
export function recordingRoute({ log, recordings, sessions }: RecordingRouteDeps): Route {
  return bind(
    recordSessionRoute,
    ({ params, principal, query, requestId, signal }) => {
      const session = sessions.get(params.session_id);
      // Not even operators: whose pictures these are has not said that they may see them.
      if (session === undefined || session.profile.principal.customerId !== principal.customerId) {
        throw new SinewError('not_found', 'There is no such session here');
      }
      if (recordings.streams >= MOST_STREAMS) {
        throw new SinewError('capacity', `This gateway sends ${MOST_STREAMS} recordings already`);
      }
      log.info({ session_id: session.id, key_id: principal.keyId, request_id: requestId }, 'recording asked for');
      return {
        status: 200,
        body: '',
        contentType: 'application/octet-stream',
        headers: { 'Content-Disposition': `attachment; filename="${session.id}.mcap"` },
        stream: recordings.stream(session, principal, query.images !== false, signal),
      };
    },
    { maxPerKey: MOST_PER_KEY },
  );
}
