import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseRemoteUrls, type RemoteUrls } from '@sinew/config';
import {
  type Bundle,
  createNullBackend,
  createOnnxBackend,
  createRemoteBackend,
  createScriptBackend,
  loadBundle,
  nullBundle,
  type PolicyBackend,
  Scheduler,
  type SchedulerHooks,
  type SchedulerOrder,
  type ServerStats,
} from '@sinew/policy';
import type { ModelDescription } from '@sinew/protocol';
import type { Logger, Metrics } from '@sinew/telemetry';
import type { Clock } from './clock.js';
import { within } from './within.js';

/** A policy that this gateway serves. */
export interface ServedModel {
  readonly description: ModelDescription;
  readonly bundle: Bundle;
  readonly backend: PolicyBackend;
  readonly scheduler: Scheduler;
  /** `failed`: its servers are away; it comes back by itself. New sessions are refused unless it is ready. */
  readonly status: 'loading' | 'ready' | 'failed';
}

export interface ModelSettings {
  readonly policies: readonly string[];
  readonly policy_threads: number;
  readonly policy_intra_op: number;
  readonly batch_max: number;
  readonly batch_window_ms: number;
  readonly scheduler_order?: SchedulerOrder;
  readonly admission: number;
  readonly remote_urls?: string | null;
  readonly remote_token?: string | null;
}

/**
 * How long the gateway's start waits for a policy that others run. Their servers may be started after it, or may be away for a
 * night: then the policy is `loading`, and everything else is served.
 */
const REMOTE_PATIENCE_MS = 5_000;

const BUNDLES = fileURLToPath(new URL('../../../libs/policy/bundles', import.meta.url));

/** A bundle's name, or the path of a folder that holds one. */
export function bundleFolder(policy: string): string {
  const builtIn = join(BUNDLES, basename(policy));
  return policy === basename(policy) && existsSync(builtIn) ? builtIn : policy;
}

/** Loads every policy and pays its first-run cost before the gateway is ready (Q6). The first one is the default. */
export class ModelCatalogue {
  readonly #models = new Map<string, ServedModel>();

  constructor(models: readonly ServedModel[] = []) {
    for (const model of models) this.#models.set(model.description.id, model);
  }

  static async load(settings: ModelSettings, clock: Clock, metrics: Metrics, log: Logger): Promise<ModelCatalogue> {
    const catalogue = new ModelCatalogue();
    const urls = remoteUrls(settings);
    try {
      for (const policy of settings.policies) {
        const model = await serve(policy, settings, urls, clock, metrics, log);
        catalogue.#models.set(model.description.id, model);
      }
      for (const id of urls.keys())
        if (catalogue.find(id)?.bundle.remote === undefined)
          throw new Error(`remote_urls names ${id}, which is no remote policy here`);
    } catch (error) {
      await catalogue.close();
      throw error;
    }
    return catalogue;
  }

  [Symbol.iterator](): IterableIterator<ServedModel> {
    return this.#models.values();
  }

  get ids(): string[] {
    return [...this.#models.keys()];
  }

  /** By id; without one, the default. */
  find(id: string | undefined): ServedModel | undefined {
    return id === undefined ? this.#models.values().next().value : this.#models.get(id);
  }

  async close(): Promise<void> {
    for (const model of this.#models.values()) {
      model.scheduler.close();
      await model.backend.close();
    }
    this.#models.clear();
  }
}

function remoteUrls({ remote_urls }: ModelSettings): RemoteUrls {
  const urls = parseRemoteUrls(remote_urls ?? '');
  if (typeof urls === 'string') throw new Error(`remote_urls ${urls}`);
  return urls;
}

async function serve(
  policy: string,
  settings: ModelSettings,
  urls: RemoteUrls,
  clock: Clock,
  metrics: Metrics,
  log: Logger,
): Promise<ServedModel> {
  const startedMs = clock.now();
  const bundle = policy === 'null' ? nullBundle() : await loadBundle(bundleFolder(policy));
  const description = bundle.describe();
  const { id: model, version } = description;
  const backend = backendOf(policy, bundle, settings, urls, clock, log);
  const ready = (): void => {
    metrics.modelLoad.observe({ model }, (clock.now() - startedMs) / 1_000);
    for (const warning of backend.stats().warnings) log.warn({ model }, warning);
    log.info({ model, version, load_ms: Math.round(clock.now() - startedMs) }, 'policy ready');
  };
  if (bundle.remote === undefined) {
    await backend.start();
    ready();
  } else await startRemote(backend, model, ready, log);
  const scheduler = new Scheduler({
    backend,
    now: () => clock.now(),
    batchWindowMs: settings.batch_window_ms,
    admission: settings.admission,
    ...(settings.scheduler_order === undefined ? {} : { order: settings.scheduler_order }),
    hooks: schedulerHooks(model, metrics, log),
  });
  return {
    description,
    bundle,
    backend,
    scheduler,
    get status() {
      const { state } = backend.stats();
      return state === 'closed' ? 'failed' : state;
    },
  };
}

/** Waits until every server was asked and one is warm, within patience. A model that is there and another than the bundle's stops the start (P12). */
async function startRemote(backend: PolicyBackend, model: string, ready: () => void, log: Logger): Promise<void> {
  const wait = { ready: false, over: false };
  const outcome = backend.start().then(
    () => {
      ready();
      wait.ready = true;
    },
    async (error: unknown) => {
      if (wait.over)
        return log.error({ model, err: error }, 'the model servers have another model; they are tried again');
      await backend.close();
      throw error;
    },
  );
  await within(REMOTE_PATIENCE_MS, outcome);
  wait.over = true;
  if (wait.ready || backend.stats().state === 'ready') return;
  log.warn({ model }, 'no model server answers: the policy is loading, and is served as soon as one does');
}

function backendOf(
  policy: string,
  bundle: Bundle,
  settings: ModelSettings,
  urls: RemoteUrls,
  clock: Clock,
  log: Logger,
): PolicyBackend {
  if (policy === 'null') return createNullBackend({ bundle });
  if (bundle.script !== undefined) return createScriptBackend({ bundle });
  if (bundle.remote !== undefined) {
    const { id } = bundle.manifest;
    return createRemoteBackend({
      bundle,
      urls: urls.get(id) ?? [],
      maxBatch: settings.batch_max,
      token: settings.remote_token ?? null,
      now: () => clock.now(),
      onServer: (server) => logServer(log, id, server),
    });
  }
  return createOnnxBackend({
    bundle,
    threads: settings.policy_threads,
    intraOp: settings.policy_intra_op,
    maxBatch: settings.batch_max,
  });
}

function logServer(log: Logger, model: string, { lastFault, state, url }: ServerStats): void {
  if (state === 'ready') log.info({ model, server: url }, 'model server in use');
  else log.warn({ model, server: url, reason: lastFault }, 'model server taken out');
}

/** Measurements as they happen; what is only counted is read from the scheduler when somebody scrapes (status.ts). */
function schedulerHooks(model: string, metrics: Metrics, log: Logger): SchedulerHooks {
  const wait = metrics.queueWait.cell(model);
  const sizes = metrics.batchSize.cell(model);
  return {
    waited: (ms) => wait.observe(ms / 1_000),
    batch: ({ size, inferMs }) => {
      sizes.observe(size);
      metrics.batchCompute.cell(model, String(size)).observe(inferMs / 1_000);
    },
    fault: (error, requester) => log.error({ err: error, model, requester }, 'scheduler fault'),
  };
}
