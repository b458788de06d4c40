import { z } from 'zod';
import { route } from './route-contract.js';
import { Uuid } from './shapes.js';

export const recordSessionRoute = route({
  operation: 'recordSession',
  tag: 'History',
  method: 'get',
  path: '/v1/sessions/{session_id}/recording',
  access: { kind: 'key', scope: 'stream' },
  summary: 'Record one of your sessions as it goes on',
  description:
    'From now until the session ends or you go away: MCAP with protobuf messages, which Foxglove and Rerun open. Topics: `/camera/<name>`, ' +
    '`/state`, `/joints`, `/action/proposed`, `/action/sent`, `/tick`, `/hold`, `/latency`, `/log`. Nothing of it is kept here. Who reads ' +
    'more slowly than the robot sends gets fewer images, and is told so in `/log`; robots wait for nobody. What came before a cut can be ' +
    'read, and `sinew record --recover` makes it whole. The gateway that serves the session answers; every other one `not_found`.',
  params: z.object({ session_id: Uuid }),
  query: z.strictObject({
    images: z
      .enum(['true', 'false'])
      .transform((text) => text === 'true')
      .optional()
      .describe('`false`: everything but camera images.'),
  }),
  answers: {
    200: { description: 'The recording, chunk by chunk', schema: null, contentType: 'application/octet-stream' },
  },
  errors: ['not_found', 'capacity'],
});
