import { createMemoryState } from '@sinew/cache';
import { type JournalRecord, JournalWriter } from '@sinew/journal';
import { nullBundle, type PolicyInput, Scheduler } from '@sinew/policy';
import { ConsentCache } from '@sinew/privacy';
import { createMetrics, type Logger } from '@sinew/telemetry';
import { type Gateway, type GatewaySettings, startGateway } from '../gateway.js';
import { ModelCatalogue } from '../models.js';
import type { EventQueue } from './event-queue.js';
import type { End, JournalCheck } from './journal-check.js';
import type { Mutation } from './mutations.js';
import type { BatchEnd } from './policy-check.js';
import type { Random } from './random.js';
import type { RuleBook } from './rules.js';
import type { Scenario } from './scenario.js';
import { isRefusal, type VirtualDisk } from './virtual-disk.js';
import type { VirtualNetwork } from './virtual-network.js';
import { VirtualPolicy } from './virtual-policy.js';

export const SETTINGS: GatewaySettings = {
  host: '127.0.0.1',
  port: 0,
  openpi_port: null,
  openpi_defaults: '',
  max_sessions: 50,
  max_frame_bytes: 65_536,
  stale_after_ms: 500,
  resume_window_ms: 2_000,
  open_timeout_ms: 1_000,
  ping_interval_ms: 700,
  drain_ms: 300,
  soft_limit_bytes: 6_000,
  hard_limit_bytes: 24_000,
  metrics_customer_labels: false,
};

export const FSYNC_MS = 50;
/** Beyond `drain_ms`: what a drain may take to brake, to answer and to linger. */
const DRAIN_SPARE_MS = 4_500;

/** Made once: nothing in them tells one world from another. */
const metrics = createMetrics();
const bundle = nullBundle();

/** One process of the gateway. Its events carry it, and die with it. */
export interface Life {
  readonly number: number;
  /** What its own clock began at: the calendar's time at its start, which may have jumped since the last one's. */
  readonly originMs: number;
  gateway: Gateway | null;
  journal: JournalWriter | null;
  models: ModelCatalogue | null;
  drainingSinceMs: number | null;
}

export interface HostPorts {
  readonly book: RuleBook;
  readonly random: Random;
  readonly queue: EventQueue;
  readonly scenario: Scenario;
  readonly disk: VirtualDisk;
  readonly network: VirtualNetwork;
  readonly journalCheck: JournalCheck;
  readonly mutation: Mutation | undefined;
  nowMs(): number;
  wallMs(): number;
  /** Until when its process was frozen last. */
  thawedMs(): number;
  fault(kind: string): void;
  say(text: () => string): void;
  policyRuns(inputs: readonly PolicyInput[]): void;
  policyEnded(inputs: readonly PolicyInput[], how: BatchEnd): void;
  /** A process is gone: nothing of it counts any more. */
  ended(): void;
}

/** The machine that the gateway runs on: starts it, kills it, and looks at what each one leaves. */
export class GatewayHost {
  readonly #ports: HostPorts;
  #life: Life | null = null;
  #lives = 0;
  #stopping = false;
  #stopped = false;
  /** Of the last reading. */
  records: readonly JournalRecord[] = [];

  constructor(ports: HostPorts) {
    this.#ports = ports;
  }

  get life(): Life | null {
    return this.#life;
  }

  get lives(): number {
    return this.#lives;
  }

  /** The last gateway has ended, and its journal was looked at. */
  get stopped(): boolean {
    return this.#stopped;
  }

  /** An event of the process that runs now, if one does. */
  inLife(atMs: number, label: string, run: () => void): void {
    if (this.#life !== null) this.#ports.queue.push(atMs, this.#life, label, run);
  }

  async boot(): Promise<void> {
    const { book, disk, journalCheck, mutation, network, random, scenario } = this.#ports;
    const life: Life = {
      number: ++this.#lives,
      originMs: this.#ports.wallMs() - this.#ports.nowMs(),
      gateway: null,
      journal: null,
      models: null,
      drainingSinceMs: null,
    };
    this.#life = life;
    this.#ports.say(() => `gateway ${life.number} starts`);
    const clock = { now: () => life.originMs + this.#ports.nowMs() };
    const wallNow = (): number => this.#ports.wallMs();
    const consents = new ConsentCache(() => this.#database(() => scenario.consents), { now: clock.now, wall: wallNow });
    let journal: JournalWriter;
    try {
      journal = await JournalWriter.open({
        dir: `${disk.root}/journal`,
        node: 0,
        budgetBytes: scenario.budgetBytes,
        segmentBytes: scenario.segmentBytes,
        fsyncMs: FSYNC_MS,
        now: wallNow,
        mayKeepText: (customerId) => consents.mayStore(customerId, 'instruction_text'),
      });
    } catch (error) {
      // A gateway that cannot have its journal does not start; its supervisor tries again. By then the disk may be well again.
      book.check('J5', isRefusal(error), () => `a gateway does not start: ${textOf(error)}`);
      this.#ports.fault('gateway: does not start');
      return this.#ends(life, 'killed', 300);
    }
    if (this.#life !== life) return;
    journalCheck.tookOver(journal);
    life.journal = mutation?.journal?.(journal) ?? journal;
    const backend = new VirtualPolicy(scenario.policyShape, scenario.policy, {
      random: random.fork(),
      nowMs: () => this.#ports.nowMs(),
      later: (ms, label, done) => this.inLife(this.#ports.nowMs() + ms, label, done),
      running: (_slot, inputs) => this.#ports.policyRuns(inputs),
      ended: (_slot, inputs, how) => this.#ports.policyEnded(inputs, how),
      fault: (kind) => this.#ports.fault(kind),
    });
    const scheduler = new Scheduler({
      backend,
      now: clock.now,
      batchWindowMs: scenario.batchWindowMs,
      batchDeadlineMs: scenario.batchDeadlineMs,
      hooks: { fault: (error) => book.broken('fault', `scheduler: ${textOf(error)}`) },
    });
    const served = {
      bundle,
      backend,
      scheduler: mutation?.scheduler?.(scheduler) ?? scheduler,
      description: bundle.describe(),
      status: 'ready' as const,
    };
    life.models = new ModelCatalogue([served]);
    life.gateway = await startGateway({
      settings: { ...SETTINGS, horizon: scenario.horizon },
      clock,
      journal: life.journal,
      models: life.models,
      metrics,
      log: logInto(book),
      network,
      findKey: (hash) => this.#database(() => scenario.keys.get(hash) ?? null),
      shared: createMemoryState(clock.now),
      usedInMonth: () => this.#database(() => new Map<string, number>()),
      wallNow,
      consents,
      pingDatabase: async () => {},
    });
  }

  /** A question to the database, which answers in its time, or not at all. */
  #database<T>(answer: () => T): Promise<T> {
    const { random, scenario } = this.#ports;
    return new Promise((resolve, reject) => {
      this.inLife(this.#ports.nowMs() + random.exponential(scenario.database.meanMs), 'database', () => {
        if (this.#ports.nowMs() < scenario.database.awayUntilMs) reject(new Error('the database is away'));
        else resolve(answer());
      });
    });
  }

  /** From one moment to the next. */
  kill(how: 'killed' | 'power_cut'): void {
    const life = this.#life;
    if (life === null || life.number === 0 || this.#stopping) return;
    this.#ports.fault(`gateway: ${how}`);
    if (how === 'power_cut') this.#ports.disk.powerCut();
    else this.#ports.disk.kill(this.#ports.mutation?.forgetsWrites === true);
    this.#ends(life, how, this.#ports.random.between(20, 600));
  }

  /** As SIGTERM does it. `last`: no other one follows. */
  drain(last: boolean): void {
    const life = this.#life;
    if (last) this.#stopping = true;
    if (life?.gateway === null || life === null || life.drainingSinceMs !== null) {
      // Not up yet, or going down already: asked again until it is.
      if (last && !this.#stopped)
        this.#ports.queue.push(this.#ports.nowMs() + 200, null, 'stop', () => this.drain(true));
      return;
    }
    life.drainingSinceMs = this.#ports.nowMs();
    this.#ports.fault('gateway: drained');
    if (this.#ports.mutation?.leavesTimer === true) setInterval(() => {}, 50);
    void this.#drain(life).catch((error) => this.#ports.book.broken('S9', textOf(error)));
  }

  async #drain(life: Life): Promise<void> {
    const { book, queue } = this.#ports;
    const since = this.#ports.nowMs();
    const sick = this.#ports.disk.sick;
    try {
      await life.gateway?.drain();
    } catch (error) {
      book.check('S9', sick || this.#ports.disk.sick, () => `a drain failed: ${textOf(error)}`);
    }
    const took = this.#ports.nowMs() - Math.max(since, this.#ports.thawedMs());
    book.check('S9', took < SETTINGS.drain_ms + DRAIN_SPARE_MS || sick, () => `a drain took ${took} ms`);
    book.check('S10', life.gateway?.sessions.size === 0, () => `${life.gateway?.sessions.size} sessions are left`);
    for (const { backend, scheduler } of life.models ?? []) {
      const { batchesInFlight, depth, requesters } = scheduler.stats();
      // What a worker has, or what waits for one that is being replaced, is thrown away when that comes back.
      const working = batchesInFlight > 0 || backend.stats().available.includes(false);
      const nothing = depth === 0 && (requesters === 0 || working);
      book.check('S10', nothing, () => `${depth} requests and ${requesters} requesters are left`);
    }
    await life.models?.close();
    try {
      await life.journal?.close();
    } catch (error) {
      book.check('J1', sick || this.#ports.disk.sick, () => `the journal does not close: ${textOf(error)}`);
    }
    const pending = queue.pending(life).map(({ label }) => label);
    const left = pending.filter((label) => label === 'timer' || label === 'interval' || label === 'immediate');
    // Who was about to connect still waits for the database, within a second.
    const asking = pending.includes('database');
    book.check('S10', left.length === 0 || asking, () => `${left.length} timers are left: ${left.join(', ')}`);
    // A process that was told so may have records that a sick disk did not take.
    this.#ends(life, 'drained', this.#ports.random.between(20, 300));
  }

  #ends(life: Life, how: End, againMs: number): void {
    const { book, journalCheck, network, queue } = this.#ports;
    queue.cancelAll(life);
    network.died();
    this.#ports.ended();
    // The disk is nobody's now: looked at by who has no part in the story.
    const inspector: Life = { ...life, number: 0, gateway: null, journal: null, models: null };
    this.#life = inspector;
    const done = (): void => {
      queue.cancelAll(inspector);
      this.#life = null;
      if (this.#stopping) this.#stopped = true;
      else queue.push(this.#ports.nowMs() + againMs, null, 'gateway starts', () => void this.boot());
    };
    journalCheck.readBack(`${this.#ports.disk.root}/journal`, how).then(
      (records) => {
        this.records = records;
        done();
      },
      (error) => book.broken('J2', `the journal cannot be read: ${textOf(error)}`),
    );
  }
}

/** What the gateway says is wrong is a finding, except where the disk refuses and it says so. */
function logInto(book: RuleBook): Logger {
  const log = {
    level: 'error',
    trace: () => {},
    debug: () => {},
    info: () => {},
    warn: () => {},
    fatal: (fields: unknown, text: string) =>
      book.broken('fault', `${text} ${textOf((fields as { err?: unknown }).err)}`),
    error: (fields: unknown, text: string) =>
      book.broken('fault', `${text} ${textOf((fields as { err?: unknown }).err)}`),
    child: () => log,
  };
  return log as unknown as Logger;
}

export const textOf = (error: unknown): string =>
  error instanceof Error ? (error.stack ?? error.message) : String(error);
