import type { SharedState } from '@sinew/cache';
import type { JournalRecord, JournalWriter } from '@sinew/journal';
import type { ConsentCache } from '@sinew/privacy';
import type { Logger, Metrics } from '@sinew/telemetry';
import type { Clock } from '../clock.js';
import { Refusals } from '../gates/refusals.js';
import { Customers } from '../limits/customers.js';
import { SessionPlaces } from '../limits/session-places.js';
import type { ModelCatalogue } from '../models.js';
import { Pacer, type PacerTimer } from '../pacer.js';
import { type OpenSettings, SessionOpener } from './open.js';
import { RefusedInstructions } from './refused-instructions.js';
import { SessionRegistry } from './registry.js';
import { SafetyMetrics } from './safety-metrics.js';
import type { Session, SessionContext } from './session.js';
import { SlabPool } from './slab-pool.js';

export interface SessionsDeps {
  readonly settings: OpenSettings & {
    readonly max_frame_bytes: number;
    readonly resume_window_ms: number;
    readonly metrics_customer_labels: boolean;
  };
  readonly clock: Clock;
  /** Of the ticks; the host's without. */
  readonly timer?: PacerTimer;
  readonly journal: JournalWriter;
  readonly models: ModelCatalogue;
  readonly metrics: Metrics;
  readonly log: Logger;
  readonly shared: SharedState;
  readonly consents: ConsentCache;
  readonly usedInMonth: (customerIds: readonly string[], month: string) => Promise<ReadonlyMap<string, number>>;
  readonly wallNow: () => number;
  readonly opened: (session: Session) => void;
  /** A customer has used up its month. */
  readonly exhausted: (customerId: string) => void;
}

export interface Sessions {
  readonly registry: SessionRegistry;
  readonly opener: SessionOpener;
  readonly pacer: Pacer;
  readonly safety: SafetyMetrics;
  readonly refusals: Refusals;
  readonly refusedInstructions: RefusedInstructions;
  readonly customers: Customers;
  readonly places: SessionPlaces;
}

/** Sessions and what they share, whatever brings them their frames. */
export function composeSessions(deps: SessionsDeps): Sessions {
  const { clock, consents, journal, log, metrics, models, settings, shared } = deps;
  const registry = new SessionRegistry();
  const pacer = new Pacer(clock, deps.timer);
  const safety = new SafetyMetrics(metrics);
  const append = (what: string) => (record: JournalRecord) => {
    try {
      journal.append(record);
    } catch (error) {
      log.error({ err: error }, `journal refused ${what}`);
    }
  };
  const refusedInstructions = new RefusedInstructions(clock, safety, append('a safety incident'));
  const refusals = new Refusals(clock, metrics, log, append('the record of what was refused'));
  const customers = new Customers({
    shared,
    usedInMonth: deps.usedInMonth,
    clock,
    wallNow: deps.wallNow,
    metrics,
    labels: settings.metrics_customer_labels,
    log,
    exhausted: deps.exhausted,
  });
  const places = new SessionPlaces(shared.leases, customers.quota, metrics.rateLimited);
  const context: SessionContext = {
    clock,
    journal,
    metrics,
    safety,
    log,
    pacer,
    slabs: new SlabPool(),
    refusals,
    consents,
    customers,
    maxFrameBytes: settings.max_frame_bytes,
    resumeWindowMs: settings.resume_window_ms,
    opened: deps.opened,
    closed: (session) => {
      registry.remove(session);
      places.ended(session.id);
    },
  };
  const opener = new SessionOpener(registry, models, journal, context, settings, refusedInstructions);
  return { registry, opener, pacer, safety, refusals, refusedInstructions, customers, places };
}
