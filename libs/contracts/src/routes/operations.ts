import { z } from 'zod';
import { route } from './route-contract.js';
import { NOT_BLANK, RobotId } from './shapes.js';

export const clearEstopRoute = route({
  operation: 'clearEstop',
  example: { body: { reason: 'The cell is empty; looked at it on site.' } },
  method: 'post',
  path: '/v1/admin/robots/{robot_id}/estop-clear',
  tag: 'Operations',
  summary: 'Release the e-stop latch of a robot',
  description:
    'An operator releases the latch of a robot whose own client cannot. The key reaches the robots of its own customer ' +
    'only. Who did it, and why, stands in the journal.',
  access: { kind: 'key', scope: 'admin' },
  params: z.object({ robot_id: RobotId }),
  body: z.strictObject({
    /** Why it is safe to move again, for whoever reads the journal later. */
    reason: z.string().trim().min(1).max(500).meta({ pattern: NOT_BLANK }),
  }),
  answers: {
    200: {
      description: '`cleared` is false where the robot was not latched.',
      schema: z.object({
        robot_id: z.string(),
        cleared: z.boolean(),
        latched_since_ms: z.number().optional(),
        latched_by: z.string().optional(),
        session_id: z.uuid().nullable(),
        request_id: z.uuid(),
      }),
    },
  },
  errors: [],
});
