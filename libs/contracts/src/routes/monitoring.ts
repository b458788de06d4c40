import { z } from 'zod';
import { route } from './route-contract.js';

const Capacity = z.object({
  perSecond: z.number(),
  offered: z.number(),
  free: z.number(),
});

export const detailedHealthRoute = route({
  operation: 'getDetailedHealth',
  method: 'get',
  path: '/health/detailed',
  tag: 'Monitoring',
  summary: 'The health of every component',
  access: { kind: 'operator' },
  answers: {
    200: {
      description: 'Each component by name. The status is that of the gateway itself.',
      schema: z.object({
        status: z.enum(['healthy', 'loading', 'draining']),
        components: z.object({
          database: z.object({ status: z.enum(['healthy', 'unavailable']), reason: z.string().optional() }),
          journal: z.object({ status: z.string(), used_bytes: z.number(), budget_bytes: z.number() }),
          models: z.record(
            z.string(),
            z.looseObject({ status: z.enum(['loading', 'ready', 'failed']), capacity: Capacity }),
          ),
          sessions: z.record(z.string(), z.int()),
        }),
      }),
    },
  },
  errors: [],
});

export const metricsRoute = route({
  operation: 'getMetrics',
  method: 'get',
  path: '/metrics',
  tag: 'Monitoring',
  summary: 'Measurements for Prometheus',
  access: { kind: 'operator' },
  answers: {
    200: {
      description: 'The Prometheus text format.',
      schema: null,
      contentType: 'text/plain; version=0.0.4; charset=utf-8',
    },
  },
  errors: [],
});
