import { createHash } from 'node:crypto';
import type { Dedup } from '@sinew/cache';
import {
  checkEmbodiment,
  checkInstruction,
  checkRobotType,
  type InferenceRequest,
  inferRoute,
  instructionRule,
} from '@sinew/contracts';
import { ControlLoop, type ControlSpec, checkSpec, flagNames, resolveLimits, StateCheck } from '@sinew/control';
import type { InferenceRecord, JournalWriter } from '@sinew/journal';
import type { PolicyInput, PolicyOutput, Requester, RequestTiming } from '@sinew/policy';
import { checkObservation, ERRORS, type Observation, SinewError } from '@sinew/protocol';
import { findRobot, nearestRobots } from '@sinew/robots';
import type { Metrics } from '@sinew/telemetry';
import type { Principal } from '../auth.js';
import type { Clock } from '../clock.js';
import { limitsRule } from '../gates/limits-rule.js';
import type { Refusals } from '../gates/refusals.js';
import { Refused } from '../gates/refused.js';
import { refusedActionRule } from '../gates/refused-action.js';
import type { Customers } from '../limits/customers.js';
import { deduplicated } from '../limits/deduplicated.js';
import type { ModelCatalogue, ServedModel } from '../models.js';
import type { IncidentSubject } from '../session/incident-record.js';
import { shapeOf } from '../session/inference-record.js';
import type { RefusedInstructions } from '../session/refused-instructions.js';
import type { SafetyMetrics } from '../session/safety-metrics.js';
import { smoothingFor } from '../session/smoothing.js';
import { bind, type Route } from './bind.js';
import { PlanIncident } from './plan-incident.js';
import { recorded } from './recorded.js';
import { planRecorded } from './recorded-plan.js';
import { errorReply, json, type Reply } from './reply.js';

export interface InferenceDeps {
  readonly models: ModelCatalogue;
  readonly journal: JournalWriter;
  readonly metrics: Metrics;
  readonly safety: SafetyMetrics;
  readonly refusedInstructions: RefusedInstructions;
  readonly refusals: Refusals;
  readonly clock: Clock;
  /** Waits until it is known what a customer consented to, for a moment. */
  readonly consentKnown: (customerId: string) => Promise<void>;
  readonly customers: Customers;
  readonly dedup: Dedup;
  readonly draining: () => boolean;
}

/** A robot that asks over HTTP waits for the answer at rest: staleness is bounded by patience, not by motion. */
const DEADLINE_MS = 10_000;
/** Requests of one key at a time: each holds a picture in memory and a place in the queue. */
const MAX_PER_KEY = 4;
/** Inferences a second that must be free beside what sessions were promised. */
const LEAST_FREE = 1;
/** From here on a request counts as starving; before it, every robot that runs goes first. */
const PATIENT_MS = 2_000;

/** POST `/v1/inference`: one observation through the same gates, scheduler, governor and journal as a session, from rest. */
export function inferenceRoute(deps: InferenceDeps): Route {
  return bind(inferRoute, (context) => inferOnce(deps, context), {
    maxPerKey: MAX_PER_KEY,
    refusal: (requestId) => {
      if (deps.draining()) return errorReply('draining', 'The server is stopping', requestId);
      if ([...deps.models].every(full)) return errorReply('capacity', 'No policy has room for requests now', requestId);
      return null;
    },
  });
}

interface Asked {
  readonly body: InferenceRequest;
  readonly principal: Principal;
  readonly requestId: string;
  readonly signal: AbortSignal;
}

interface Caller extends Omit<Asked, 'body'> {
  /** The policy has run. */
  readonly inferred: () => void;
  /** It stands in the journal: from here on the request was served, whatever its answer. */
  readonly recorded: () => void;
}

/** Where the client names its request, it is served once; what is replayed costs nothing of the month's inferences. */
async function inferOnce(deps: InferenceDeps, { body, principal, requestId, signal }: Asked): Promise<Reply> {
  const run = async (recorded: () => void): Promise<Reply> => {
    const account = deps.customers.of(principal);
    await deps.customers.quota.refresh(account);
    if (account.exhausted) {
      deps.metrics.rateLimited.cell('quota').inc();
      const { monthly_inferences: limit } = account.limits;
      return errorReply('quota_exceeded', `The ${limit} inferences of this month are used up`, requestId, {
        details: { limit, used: account.used },
      });
    }
    const inferred = () => {
      account.inferred();
      // The next request of this customer may go to another gateway.
      void deps.customers.quota.refresh(account);
    };
    return infer(deps, body, { principal, requestId, signal, recorded, inferred });
  };
  if (body.request_id === undefined) return run(() => {});
  const named = { customerId: principal.customerId, requestId: body.request_id, content: digestOf(body) };
  const reply = await deduplicated(deps.dedup, deps.metrics.deduplicationHits, named, run);
  if (reply.status === ERRORS.duplicate.http) {
    const robotType = findRobot(body.robot_config.type)?.id ?? null;
    const caller = { source: 'rest', customerId: principal.customerId, robotType } as const;
    deps.refusals.note({ rule: 'request_id.duplicate' }, caller);
  }
  return reply;
}

/** Some milliseconds for the largest image, and only for who names requests. */
function digestOf({ request_id: _, ...asked }: InferenceRequest): string {
  return createHash('sha256').update(JSON.stringify(asked)).digest('base64');
}

/** Sessions reserved their rate; a request takes only what that leaves. */
const full = ({ scheduler }: ServedModel): boolean => scheduler.capacity().free < LEAST_FREE;

async function infer(deps: InferenceDeps, request: InferenceRequest, context: Caller): Promise<Reply> {
  const { clock, journal, metrics, models, safety } = deps;
  const { principal } = context;
  const arrivedMs = clock.now();
  await deps.consentKnown(principal.customerId);
  const requestId = request.request_id ?? context.requestId;
  const robot = findRobot(request.robot_config.type);
  const robotType = robot?.id ?? null;
  const refuse = (field: string, reason: string, rule = 'message.malformed'): never => {
    throw new Refused(rule, robotType, field, reason);
  };
  const subject: IncidentSubject = {
    customerId: principal.customerId,
    keyId: principal.keyId,
    sessionId: null,
    robotId: `rest-${requestId}`,
    robotType: robot?.id ?? null,
    modelId: null,
    modelVersion: null,
    environmentType: null,
  };
  const fault = checkInstruction(request.instruction);
  if (fault !== null) {
    if (fault.kind === 'safety') {
      deps.refusedInstructions.note(subject, fault.rule, fault.severity, request.instruction);
    }
    refuse('instruction', fault.reason, instructionRule(fault));
  }
  const unnamed = checkRobotType(request.robot_config.type);
  if (unnamed?.rule === 'robot_type.unknown') refuse('robot_config.type', unnamed.reason, unnamed.rule);
  if (robot === undefined) {
    const nearest = nearestRobots(request.robot_config.type);
    throw new Refused('robot_type.not_in_registry', null, 'robot_config.type', 'not in the registry', {
      code: 'unknown_robot',
      message: `robot_config.type: not in the registry; did you mean ${nearest.join(', ')}?`,
      details: { nearest },
    });
  }
  const model = models.find(request.model);
  if (model === undefined) {
    throw new SinewError('unknown_model', `model "${request.model}" is not loaded here`, {
      field: 'model',
      reason: 'not loaded',
      details: { models: models.ids },
    });
  }
  const { description, bundle } = model;
  const { manifest } = bundle;
  const untrained = checkEmbodiment(robot, manifest.embodiments, description.id);
  if (untrained !== null) refuse('robot_config.type', untrained.reason, untrained.rule);
  const camera = description.inputs.cameras[0];
  if (camera === undefined || description.inputs.cameras.length > 1) {
    refuse('model', `${description.id} takes ${description.inputs.cameras.length} cameras; use the stream`);
  }
  const cameraName = camera?.name ?? 'main';
  const { state: inputs } = description.inputs;
  // Without it nobody knows where the robot is, and no limit of its way could be held.
  const state = request.state ?? refuse('state', `must be ${inputs.dim} numbers: ${inputs.names.join(', ')}`);
  const observation: Observation = {
    type: 'observation',
    seq: 0,
    captured_at_ms: arrivedMs,
    images: { [cameraName]: { kind: 'encoded', data: decodeDataUrl(request.image) } },
    state: Float64Array.from(state),
  };
  const wireFault = checkObservation(observation, description, -1);
  if (wireFault !== null) {
    const field = wireFault.field === `images.${cameraName}` ? 'image' : (wireFault.field ?? 'body');
    refuse(field, wireFault.reason ?? wireFault.message, wireFault.rule);
  }
  const limits = resolveLimits({
    robot,
    actionSpace: description.action_space,
    mode: 'reduced',
    hz: manifest.control_hz,
    ...(request.robot_config.workspace === undefined ? {} : { workspace: request.robot_config.workspace }),
  });
  if (!limits.ok) {
    // Named as a session would send it; a request has its box beside the robot's type.
    const field = limits.field.replace(/^environment\./, 'robot_config.');
    return refuse(field, limits.reason, limitsRule(limits.field));
  }
  const spec: ControlSpec = {
    limits: limits.limits,
    actionSpace: description.action_space,
    dim: description.action_dim,
    chunkSize: description.chunk_size,
    hz: manifest.control_hz,
    execute: bundle.execute,
    blend: 'latest',
    smoothing: smoothingFor(bundle, manifest.control_hz),
    action: description.action,
  };
  const unfit = checkSpec(spec);
  if (unfit !== null) return refuse('model', unfit.reason);
  const unit = new StateCheck(spec).fault(observation.state);
  if (unit !== null) return refuse('state', unit, 'state.wrong_unit');
  if (journal.pressure().level === 'full') throw new SinewError('journal_full');
  if (model.status !== 'ready')
    throw new SinewError('unavailable', `${description.id} is not served now: its model servers are away`);
  if (full(model)) throw new SinewError('capacity', `${description.id} is at its capacity`);

  const shot = new OneShot(requestId, observation, request.instruction, arrivedMs);
  const { output, timing } = await shot.run(model, context.signal);
  const now = clock.now();
  const labels = { model: description.id, robot_type: robot.id };
  if (!output.ok) {
    metrics.inferenceRequests.inc({ ...labels, status: output.code === 'validation_failed' ? 'rejected' : 'error' });
    if (output.code === 'validation_failed') return refuse('image', output.reason, output.rule ?? 'image.malformed');
    if (output.rule !== undefined) {
      deps.refusals.note({ rule: output.rule }, { source: 'rest', customerId: principal.customerId, robotType });
    }
    throw new SinewError('model_error', output.reason);
  }
  const loop = new ControlLoop(spec);
  const logId = journal.nextLogId();
  context.inferred();
  loop.observe(observation.state, 0);
  const chunkOf = { actions: output.actions, state: observation.state, baseTick: 0, nextTick: 0, ref: logId };
  const verdict = loop.judge(chunkOf);
  const flags = flagNames(verdict.flags);
  const latency = {
    latency_ms: now - arrivedMs,
    queue_wait_ms: timing.queueMs,
    inference_ms: timing.inferMs,
  };
  const status: InferenceRecord['status'] = verdict.adopted ? 'ok' : 'rejected';
  if (verdict.adopted) loop.adopt(chunkOf);
  metrics.safetyScore.observe(verdict.score);
  const incident = new PlanIncident(description.action_dim, safety, now);
  if (!verdict.adopted) incident.refusedChunk({ ...verdict, ref: logId, actions: output.actions });
  const planned = verdict.adopted
    ? planRecorded(loop, observation.state, description.chunk_size, (n, tick) => incident.tick(n, tick))
    : null;
  await recorded(journal, {
    v: 1,
    kind: 'inference',
    log_id: logId,
    t_ms: now,
    session_id: null,
    customer_id: principal.customerId,
    request_id: requestId,
    key_id: principal.keyId,
    episode: 0,
    robot_id: `rest-${requestId}`,
    robot_type: robot.id,
    model_id: description.id,
    model_version: description.version,
    instruction: request.instruction,
    observation_seq: 0,
    observation_age_ms: now - arrivedMs,
    base_tick: 0,
    state,
    image_shape: camera === undefined ? [] : [camera.height, camera.width, 3],
    chunk: new Uint8Array(output.actions.buffer, output.actions.byteOffset, output.actions.byteLength),
    shape: shapeOf(output.actions.length, description.action_dim),
    queue_ms: latency.queue_wait_ms,
    decode_ms: timing.decodeMs,
    inference_ms: timing.inferMs,
    total_ms: latency.latency_ms,
    status,
    safety_score: verdict.score,
    safety_flags: flags,
    ...(planned === null ? {} : { plan: planned.record }),
  });
  context.recorded();
  const broken = incident.record(
    { ...subject, modelId: description.id, modelVersion: description.version },
    request.instruction,
  );
  if (broken !== null) journal.append(broken);
  metrics.inferenceRequests.inc({ ...labels, status });
  metrics.inferenceDuration.observe(labels, latency.latency_ms / 1_000);
  if (planned === null) {
    const rule = refusedActionRule(verdict.reason);
    deps.refusals.note({ rule }, { source: 'rest', customerId: principal.customerId, robotType });
    return errorReply('validation_failed', 'The policy’s action was refused by the safety governor', requestId, {
      field: 'action',
      reason: 'safety_rejected',
      details: { score: verdict.score, flags, log_id: logId },
    });
  }
  const { plan } = planned;
  const dim = description.action_dim;
  const chunk = Array.from({ length: plan.length }, (_, k) => Array.from(plan.values.subarray(k * dim, (k + 1) * dim)));
  return json({
    request_id: requestId,
    log_id: logId,
    model: description.id,
    action: { type: description.action_space === 'ee_delta' ? '7dof' : description.action_space, values: chunk[0] },
    chunk,
    safety: {
      overall_score: plan.score,
      checks_passed: plan.checksPassed,
      flags: flagNames(plan.flags),
      clamped: plan.clamped,
    },
    performance: latency,
  });
}

/** One observation at the scheduler. Nothing moves while it waits, so it is the last in line, but not for ever. */
class OneShot implements Requester {
  readonly id: string;
  readonly #input: PolicyInput;
  readonly #bornMs: number;
  #taken = false;
  #settle: ((result: { output: PolicyOutput; timing: RequestTiming }) => void) | null = null;

  constructor(id: string, observation: Observation, instruction: string, arrivedMs: number) {
    this.id = id;
    this.#input = { images: observation.images, state: observation.state, instruction, receivedAtMs: arrivedMs };
    this.#bornMs = arrivedMs;
  }

  run(model: ServedModel, signal: AbortSignal): Promise<{ output: PolicyOutput; timing: RequestTiming }> {
    return new Promise((resolve, reject) => {
      const give = (error: SinewError) => {
        model.scheduler.remove(this);
        clearTimeout(timer);
        reject(error);
      };
      const timer = setTimeout(() => give(new SinewError('capacity', 'No worker was free in time')), DEADLINE_MS);
      const gone = () => give(new SinewError('internal', 'The client went away'));
      if (signal.aborted) return gone();
      signal.addEventListener('abort', gone, { once: true });
      this.#settle = (result) => {
        clearTimeout(timer);
        resolve(result);
      };
      model.scheduler.enqueue(this);
    });
  }

  slack(nowMs: number): number {
    return Math.max(0, DEADLINE_MS - (nowMs - this.#bornMs));
  }

  starving(nowMs: number): boolean {
    return nowMs - this.#bornMs >= PATIENT_MS;
  }

  take(): PolicyInput | null {
    if (this.#taken) return null;
    this.#taken = true;
    return this.#input;
  }

  done(output: PolicyOutput, timing: RequestTiming): void {
    this.#settle?.({ output, timing });
  }
}

function decodeDataUrl(url: string): Uint8Array {
  return Buffer.from(url.slice(url.indexOf(',') + 1), 'base64');
}
