import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { JournalWriter } from '@sinew/journal';
import type { Metrics } from '@sinew/telemetry';
import type { ModelCatalogue } from './models.js';
import type { SessionRegistry } from './session/registry.js';

/** The monitor records the time between two of its timer's turns: an idle loop shows this, not zero. */
const LOOP_SAMPLE_MS = 10;

export type Phase = 'loading' | 'ready' | 'draining';

/** What the gateway says about itself: health, and the gauges that are read only when somebody scrapes. */
export class GatewayStatus {
  #phase: Phase = 'loading';
  #connections = 0;
  readonly #journal: JournalWriter;
  readonly #registry: SessionRegistry;
  readonly #models: ModelCatalogue;
  readonly #metrics: Metrics;
  #scrapedMs = performance.now();
  readonly #inferMs = new Map<string, number>();
  #journalLevel = 'ok';
  readonly #loopDelay = monitorEventLoopDelay({ resolution: LOOP_SAMPLE_MS });

  constructor(journal: JournalWriter, registry: SessionRegistry, models: ModelCatalogue, metrics: Metrics) {
    this.#journal = journal;
    this.#registry = registry;
    this.#models = models;
    this.#metrics = metrics;
    this.#loopDelay.enable();
  }

  phase(): Phase {
    return this.#phase;
  }

  enter(phase: Phase): void {
    this.#phase = phase;
  }

  connections(delta: number): number {
    this.#connections += delta;
    return this.#connections;
  }

  journal(): { status: string; used_bytes: number; budget_bytes: number } {
    const { level, usedBytes, budgetBytes } = this.#journal.pressure();
    return { status: level, used_bytes: Math.round(usedBytes), budget_bytes: budgetBytes };
  }

  /** The journal's level when it has changed since the last call: 80 % is worth a warning, once (J4). */
  journalLevelChange(): string | null {
    const { level } = this.#journal.pressure();
    if (level === this.#journalLevel) return null;
    this.#journalLevel = level;
    return level;
  }

  sessions(): Record<string, number> {
    const counts = { active: 0, held: 0, detached: 0 };
    for (const { state } of this.#registry) if (state.kind !== 'closed') counts[state.kind]++;
    return counts;
  }

  refreshGauges(): void {
    const metrics = this.#metrics;
    for (const [state, count] of Object.entries(this.sessions())) metrics.sessions.set({ state }, count);
    metrics.connections.set(this.#connections);
    const { used_bytes, budget_bytes } = this.journal();
    metrics.journalBytes.set(used_bytes);
    metrics.journalBudgetRatio.set(used_bytes / budget_bytes);
    for (const quantile of [50, 99]) {
      const delayMs = Math.max(0, this.#loopDelay.percentile(quantile) / 1e6 - LOOP_SAMPLE_MS);
      metrics.eventLoopDelay.set({ quantile: String(quantile / 100) }, delayMs / 1_000);
    }
    this.#loopDelay.reset();
    this.#refreshModels();
  }

  #refreshModels(): void {
    const now = performance.now();
    const elapsedMs = Math.max(1, now - this.#scrapedMs);
    this.#scrapedMs = now;
    for (const { description, scheduler, backend } of this.#models) {
      const model = description.id;
      const stats = scheduler.stats();
      this.#metrics.queueDepth.set({ model }, stats.depth);
      this.#metrics.horizonTicks.set({ model }, this.#meanHorizon(model));
      this.#metrics.workersActive.set({ model }, stats.batchesInFlight);
      const retried = this.#metrics.inferenceRetries;
      retried.remove({ model });
      retried.inc({ model }, stats.retried);
      const { inferMs: busyMs, servers = [] } = backend.stats();
      for (const { url: server, state, failures } of servers) {
        this.#metrics.serverUp.set({ model, server }, state === 'ready' ? 1 : 0);
        this.#metrics.serverFailures.remove({ model, server });
        this.#metrics.serverFailures.inc({ model, server }, failures);
      }
      const share = (busyMs - (this.#inferMs.get(model) ?? 0)) / (elapsedMs * backend.slots);
      this.#inferMs.set(model, busyMs);
      this.#metrics.workerUtilization.set({ model }, Math.min(100, 100 * share));
    }
  }

  close(): void {
    this.#loopDelay.disable();
  }

  /** Ticks; 0 without sessions. */
  #meanHorizon(model: string): number {
    let sum = 0;
    let sessions = 0;
    for (const { profile, horizon } of this.#registry) {
      if (profile.model.description.id !== model) continue;
      sum += horizon;
      sessions++;
    }
    return sessions === 0 ? 0 : sum / sessions;
  }
}
