import { gpuStatsRoute, modelStatsRoute, queueStatsRoute } from '@sinew/contracts';
import type { GpuReading } from '@sinew/telemetry';
import { errorMessage } from '../error-message.js';
import type { ModelCatalogue, ServedModel } from '../models.js';
import { bind, type Route } from './bind.js';
import { json } from './reply.js';

/** Counts of jobs by state, by queue. */
export type JobCounts = Readonly<Record<string, Readonly<Record<string, number>>>>;

export interface MonitoringDeps {
  readonly models: ModelCatalogue;
  readonly gpus: () => Promise<GpuReading>;
  /** Rejects when the queues’ store does not answer. */
  readonly jobCounts: () => Promise<JobCounts>;
  /** Milliseconds since the gateway started. */
  readonly uptimeMs: () => number;
}

/** What operators look at when something is slow. Nothing here waits for a driver or a store for long. */
export function monitoringRoutes({ gpus, jobCounts, models, uptimeMs }: MonitoringDeps): Route[] {
  return [
    bind(gpuStatsRoute, async () => json(await gpus())),
    bind(queueStatsRoute, async () => {
      const jobs = await jobCounts().then(
        (queues) => ({ available: true, reason: null, queues }),
        (error: unknown) => ({ available: false, reason: errorMessage(error), queues: {} }),
      );
      return json({ policies: [...models].map((model) => policyQueue(model, uptimeMs())), jobs });
    }),
    bind(modelStatsRoute, () => json({ models: [...models].map(modelStats) })),
  ];
}

function policyQueue({ backend, description, scheduler }: ServedModel, uptimeMs: number) {
  const stats = scheduler.stats();
  const { free, offered, perSecond } = scheduler.capacity();
  const { available, inferMs } = backend.stats();
  return {
    model: description.id,
    depth: stats.depth,
    in_flight: stats.batchesInFlight,
    requesters: stats.requesters,
    capacity_per_second: perSecond,
    offered_per_second: offered,
    free_per_second: free,
    workers: { total: backend.slots, available: available.filter(Boolean).length },
    worker_utilization_percent: Math.min(100, (100 * inferMs) / Math.max(1, uptimeMs * backend.slots)),
    taken: stats.taken,
    mean_wait_ms: mean(stats.waitMs, stats.taken),
    stale: stats.stale,
    missed: stats.missed,
    failed: stats.failed,
    lost: stats.lost,
    retried: stats.retried,
  };
}

function modelStats({ backend, description, scheduler, status }: ServedModel) {
  const { batches, cpuMs, crashed, decodeMs, hung, inferences, inferMs, provider, servers, warnings } = backend.stats();
  const { batches: sizes, retried } = scheduler.stats();
  return {
    id: description.id,
    version: description.version,
    status,
    provider,
    warnings,
    slots: backend.slots,
    max_batch: backend.maxBatch,
    batches,
    inferences,
    mean_batch: mean(inferences, batches),
    mean_decode_ms: mean(decodeMs, batches),
    mean_inference_ms: mean(inferMs, batches),
    cpu_ms: cpuMs,
    crashed,
    hung,
    batch_sizes: Object.fromEntries(sizes.map((n, size) => [String(size), n] as const).filter(([, n]) => n > 0)),
    retries: retried,
    servers: (servers ?? []).map(({ batches, failures, inFlight, lastFault, state, url }) => ({
      url,
      state,
      failures,
      last_fault: lastFault,
      batches,
      in_flight: inFlight,
    })),
  };
}

const mean = (sum: number, n: number): number | null => (n === 0 ? null : sum / n);
