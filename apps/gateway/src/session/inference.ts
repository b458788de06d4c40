import { slackMs } from '@sinew/control';
import type { InferenceStatus } from '@sinew/journal';
import type { PolicyInput, PolicyOutput, Requester, RequestTiming } from '@sinew/policy';
import type { Latency } from '@sinew/protocol';
import type { HotCounter, HotHistogram } from '@sinew/telemetry';
import { refusedActionRule } from '../gates/refused-action.js';
import type { CustomerAccount } from '../limits/customer-account.js';
import { namesOf } from './flag-names.js';
import { inferenceRecord } from './inference-record.js';
import { type AcceptedObservation, type KeptObservation, ObservationBox, type PutResult } from './observation-box.js';
import type { Session } from './session.js';

/** A chunk that is journaled and may move the robot. */
export interface ReadyChunk {
  readonly logId: number;
  readonly observation: AcceptedObservation;
  /** [H·D], policy units. */
  readonly actions: Float32Array;
  readonly latency: Latency;
  /** Recorded as come too late: it moves nothing, whatever is in time by now. */
  readonly late: boolean;
}

const LOCKSTEP_QUEUE = 4;
/** About the last ten inferences. */
const LATENCY_WEIGHT = 0.1;

/**
 * A session's place at the scheduler: at most one observation in flight (Q3), the newest one waiting (S5), or a short
 * queue in lockstep (S4). The scheduler queues sessions, not frames, and takes the observation only when a worker is free.
 */
export class InferenceSlot implements Requester {
  readonly #session: Session;
  readonly #box: ObservationBox;
  #inFlight: KeptObservation | null = null;
  /** Those whose chunk is there and whose record is not yet written (J1). */
  readonly #unwritten = new Set<AcceptedObservation>();
  readonly #ok: HotCounter;
  readonly #duration: HotHistogram;
  readonly #account: CustomerAccount;
  /** Running mean from arrival to chunk, ms. */
  #latencyMs = 0;

  constructor(session: Session) {
    this.#session = session;
    const { customers, metrics, slabs } = session.context;
    const { model, principal, robotType } = session.profile;
    this.#account = customers.of(principal);
    this.#ok = metrics.inferenceRequests.cell(model.description.id, robotType, 'ok');
    this.#duration = metrics.inferenceDuration.cell(model.description.id, robotType);
    this.#box =
      session.profile.pacing === 'lockstep'
        ? ObservationBox.inOrder(slabs, LOCKSTEP_QUEUE)
        : ObservationBox.latest(slabs);
  }

  get id(): string {
    return this.#session.id;
  }

  #count(status: InferenceStatus): void {
    const { context, profile } = this.#session;
    context.metrics.inferenceRequests.cell(profile.model.description.id, profile.robotType, status).inc();
  }

  get busy(): boolean {
    return this.#inFlight !== null;
  }

  get waiting(): number {
    return this.#box.size;
  }

  put(observation: AcceptedObservation): PutResult {
    const result = this.#box.put(observation);
    if (result === 'superseded') {
      this.#session.counters.superseded++;
      this.#session.context.metrics.superseded.inc();
    }
    return result;
  }

  /** Asks for a worker; asking twice is asking once. */
  request(): void {
    if (this.#box.size === 0) return;
    // J4: what cannot be recorded is not done; the timeline runs dry and the session holds.
    if (this.#session.context.journal.pressure().level === 'full') {
      this.#session.outbox.notice(
        'journal_full',
        'The journal has reached its disk budget; the session holds until it is shipped',
      );
      return;
    }
    this.#session.profile.model.scheduler.enqueue(this);
  }

  /** What waits is of the past; what is in flight comes back with an old generation and is dropped then. */
  clear(): void {
    this.#box.clear();
    this.#unwritten.clear();
  }

  /** Observations that have had no answer: whose chunk is being recorded, in flight, then what waits. */
  outstanding(): AcceptedObservation[] {
    const waiting = this.#box.list();
    const flight = this.#inFlight;
    // One of an older generation had its answer, or its episode is over.
    const computed = flight === null || flight.generation !== this.#session.generation ? [] : [flight];
    return [...this.#unwritten, ...computed, ...waiting];
  }

  /** L2: whole ticks that an inference of this session takes, so that a new one starts early enough. */
  get leadTicks(): number {
    return Math.floor(this.#latencyMs / this.#session.periodMs);
  }

  /** L6. A lockstep client waits for its chunk at rest: it can never be late, only behind those that can. */
  slack(nowMs: number): number {
    const { nextTick, periodMs, profile, remaining, startMs } = this.#session;
    if (profile.pacing === 'lockstep' || startMs === null) return profile.model.description.chunk_size * periodMs;
    return slackMs(nowMs, startMs + nextTick * periodMs, remaining, periodMs, this.#latencyMs);
  }

  waitRatio(): number {
    return this.#session.waits.ratio;
  }

  starving(): boolean {
    return this.#session.profile.pacing !== 'lockstep' && this.#session.remaining === 0;
  }

  /** Q1, S6: the observation to run now; one that went stale while it waited is dropped, never run. */
  take(nowMs: number): PolicyInput | null {
    const { profile, counters, context } = this.#session;
    for (let observation = this.#box.take(); observation !== null; observation = this.#box.take()) {
      if (profile.pacing !== 'lockstep' && nowMs - observation.capturedMs > profile.staleAfterMs) {
        counters.stale_dropped++;
        context.metrics.deadlineMisses.inc({ model: profile.model.description.id });
        this.#box.release(observation);
        continue;
      }
      this.#inFlight = observation;
      const { images, state, instruction, arrivedMs, capturedMs } = observation;
      const fresh = profile.pacing === 'lockstep' ? {} : { staleAtMs: capturedMs + profile.staleAfterMs };
      const prefix = this.#session.prefixOf(observation);
      const continued = prefix === null ? {} : { prefix };
      return { images, state, instruction, receivedAtMs: arrivedMs, session: this, ...fresh, ...continued };
    }
    return null;
  }

  done(output: PolicyOutput, timing: RequestTiming): void {
    const flight = this.#inFlight;
    this.#inFlight = null;
    const session = this.#session;
    if (flight === null) return;
    // The policy borrowed the images until now.
    this.#box.release(flight);
    if (session.state.kind === 'closed') return;
    if (flight.generation === session.generation) this.#finish(flight, output, timing);
    // Whatever came of this one, something newer may be waiting.
    if (session.profile.pacing === 'lockstep') this.request();
  }

  #finish(observation: AcceptedObservation, output: PolicyOutput, timing: RequestTiming): void {
    const session = this.#session;
    const { counters, context } = session;
    const now = context.clock.now();
    counters.inferences++;

    if (!output.ok && output.code === 'validation_failed') {
      session.fault({
        code: 'validation_failed',
        message: `${output.field ?? 'images'}: ${output.reason}`,
        fatal: false,
        reason: output.reason,
        observation_seq: observation.seq,
        field: output.field ?? 'images',
        ...(output.rule === undefined ? {} : { rule: output.rule }),
      });
      this.#count('rejected');
      return;
    }

    const latency: Latency = {
      queue_ms: timing.queueMs,
      inference_ms: timing.inferMs,
      total_ms: now - observation.arrivedMs,
    };
    this.#latencyMs += LATENCY_WEIGHT * (latency.total_ms - this.#latencyMs);
    const logId = context.journal.nextLogId();
    this.#account.inferred();
    const finished = { logId, nowMs: now, observation, output, timing };
    if (!output.ok) {
      counters.inference_errors++;
      if (output.rule !== undefined) session.refused(output.rule, 'action', output.reason);
      this.#count('error');
      const record = inferenceRecord(session, finished, { status: 'error', safetyScore: 0, safetyFlags: [] });
      // In its turn: the chunk before may still be on its way to the disk.
      this.#unwritten.add(observation);
      context.journal.append(record, () => {
        this.#unwritten.delete(observation);
        session.modelFailed(observation, output.reason);
      });
      session.tap?.recorded(record);
      return;
    }

    const judged: ReadyChunk = { logId, observation, actions: output.actions, latency, late: false };
    const candidate = session.newChunk(judged);
    const verdict = session.loop.judge(candidate);
    const status = verdict.adopted ? 'ok' : verdict.reason === 'expired' ? 'expired' : 'rejected';
    const chunk = status === 'expired' ? { ...judged, late: true } : judged;
    const flags = namesOf(verdict.flags);
    context.metrics.safetyScore.observe(verdict.score);
    if (status === 'ok') this.#ok.inc();
    else this.#count(status);
    this.#duration.observe(latency.total_ms / 1_000);
    if (status === 'rejected') {
      counters.safety_rejected++;
      session.refused(refusedActionRule(verdict.reason), 'action', verdict.reason ?? 'unsafe');
    }
    const record = inferenceRecord(session, finished, { status, safetyScore: verdict.score, safetyFlags: flags });
    // Rejected chunks go to the loop too: it counts them in a row (N2) and never executes them.
    this.#unwritten.add(observation);
    context.journal.append(record, () => {
      this.#unwritten.delete(observation);
      session.chunkReady(chunk);
    });
    session.tap?.recorded(record);
    // After the inference that it refers to (J1).
    if (status === 'rejected') session.incidents.refusedChunk({ ...candidate, ...verdict, logId });
  }
}
