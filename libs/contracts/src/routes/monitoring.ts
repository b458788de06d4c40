import { z } from 'zod';
import { route } from './route-contract.js';
import { Timestamp } from './shapes.js';

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

const OrNull = z.number().nullable();

export const gpuStatsRoute = route({
  operation: 'getGpuStats',
  method: 'get',
  path: '/monitoring/gpu/stats',
  tag: 'Monitoring',
  summary: 'The GPUs of the gateway’s machine, at most five seconds ago',
  access: { kind: 'operator' },
  answers: {
    200: {
      description: '`available` is false where there is no NVIDIA driver; `reason` says so.',
      schema: z.object({
        available: z.boolean(),
        reason: z.string().nullable(),
        read_at: Timestamp,
        devices: z.array(
          z.object({
            index: z.int().nonnegative(),
            name: z.string(),
            utilization_percent: OrNull,
            memory_used_bytes: OrNull,
            memory_total_bytes: OrNull,
            temperature_celsius: OrNull,
            power_draw_watts: OrNull,
          }),
        ),
      }),
    },
  },
  errors: [],
});

const Count = z.int().nonnegative();

const PolicyQueue = z.object({
  model: z.string(),
  depth: Count.describe('Requests that wait for a worker now.'),
  in_flight: Count.describe('Batches with the workers now.'),
  requesters: Count.describe('Sessions and requests that it knows.'),
  capacity_per_second: z.number().describe('Inferences a second that the workers can do.'),
  offered_per_second: z.number().describe('Of those, what sessions were promised or ask for.'),
  free_per_second: z.number().describe('What may still be promised.'),
  workers: z.object({ total: Count, available: Count }),
  worker_utilization_percent: z.number().min(0).max(100).describe('Time in the graph since the gateway started.'),
  taken: Count,
  mean_wait_ms: OrNull,
  stale: Count.describe('Dropped, as their observation was too old at their turn.'),
  missed: Count.describe('Came back after the robot’s last action had run.'),
  failed: Count,
  lost: Count,
  retried: Count,
});

export const queueStatsRoute = route({
  operation: 'getQueueStats',
  method: 'get',
  path: '/monitoring/queue/stats',
  tag: 'Monitoring',
  summary: 'What waits: inferences for workers of the policies, jobs for the workers of the background',
  access: { kind: 'operator' },
  answers: {
    200: {
      description: 'One queue a policy, counted since the gateway started, and the queues of jobs.',
      schema: z.object({
        policies: z.array(PolicyQueue),
        jobs: z.object({
          available: z.boolean(),
          reason: z.string().nullable(),
          queues: z.record(z.string(), z.record(z.string(), Count)),
        }),
      }),
    },
  },
  errors: [],
});

export const modelStatsRoute = route({
  operation: 'getModelStats',
  method: 'get',
  path: '/monitoring/models/stats',
  tag: 'Monitoring',
  summary: 'What each policy has done since the gateway started, and how long it took',
  access: { kind: 'operator' },
  answers: {
    200: {
      description: 'One entry a policy.',
      schema: z.object({
        models: z.array(
          z.object({
            id: z.string(),
            version: z.string(),
            status: z.enum(['loading', 'ready', 'failed']),
            provider: z.string(),
            warnings: z.array(z.string()),
            slots: Count,
            max_batch: Count,
            batches: Count,
            inferences: Count,
            mean_batch: OrNull,
            mean_decode_ms: OrNull.describe('Of a batch.'),
            mean_inference_ms: OrNull.describe('Of a batch.'),
            cpu_ms: OrNull,
            crashed: Count,
            hung: Count,
            batch_sizes: z.record(z.string(), Count).describe('How many batches of each size came back.'),
            retries: Count.describe('Inferences run again after a fault.'),
            servers: z
              .array(
                z.object({
                  url: z.string(),
                  state: z.enum(['connecting', 'ready', 'failed', 'closed']),
                  failures: Count.describe('How often it was taken out, or could not be taken in.'),
                  last_fault: z.string().nullable(),
                  batches: Count,
                  in_flight: Count,
                }),
              )
              .describe('Of a policy that others run; else empty.'),
          }),
        ),
      }),
    },
  },
  errors: [],
});

export const MONITORING_ROUTES = [
  detailedHealthRoute,
  metricsRoute,
  gpuStatsRoute,
  queueStatsRoute,
  modelStatsRoute,
] as const;
