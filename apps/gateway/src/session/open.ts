import type { Settings } from '@sinew/config';
import {
  checkBlend,
  checkEmbodiment,
  checkEnvironmentType,
  checkExecute,
  checkInstruction,
  checkRobotType,
  checkStaleAfter,
  instructionRule,
  MIN_STALE_PERIODS,
  type RuleFault,
} from '@sinew/contracts';
import { checkSpec, resolveLimits } from '@sinew/control';
import { CUSTOMER_SHARE, type JournalWriter } from '@sinew/journal';
import { ERRORS, type ErrorCode, type FreshOpen, type Open, type ResumeOpen } from '@sinew/protocol';
import { findRobot, nearestRobots } from '@sinew/robots';
import { v7 as uuidv7 } from 'uuid';
import type { Principal } from '../auth.js';
import { limitsRule } from '../gates/limits-rule.js';
import type { Admission } from '../limits/session-places.js';
import type { ModelCatalogue } from '../models.js';
import type { SocketHandle } from '../stream/socket-handle.js';
import { controlSpecOf, type SessionProfile } from './profile.js';
import type { RefusedInstructions } from './refused-instructions.js';
import type { SessionRegistry } from './registry.js';
import { Session, type SessionContext } from './session.js';
import { smoothingFor } from './smoothing.js';
import type { Wire } from './wire.js';

export interface Refusal {
  readonly code: ErrorCode;
  readonly message: string;
  readonly close: number;
  readonly field?: string;
  readonly reason?: string;
  readonly details?: Record<string, unknown>;
  /** Of the table of validators; for counting, not for the client. */
  readonly rule?: string;
}

interface Refused {
  readonly kind: 'refused';
  readonly refusal: Refusal;
}

export type OpenResult = { readonly kind: 'opened'; readonly session: Session } | Refused;

/** `asked`: inferences a second. */
type Decision = { readonly kind: 'decided'; readonly profile: SessionProfile; readonly asked: number } | Refused;

export interface OpenSettings {
  readonly max_sessions: number;
  readonly stale_after_ms: number;
  /** `fixed` where absent. */
  readonly horizon?: Settings['horizon'];
}

const refuse = (code: ErrorCode, message: string, extra: Partial<Refusal> = {}): Refused => ({
  kind: 'refused',
  refusal: { code, message, close: ERRORS[code].close ?? 4422, ...extra },
});

const invalid = (field: string, reason: string, rule?: string): Refused =>
  refuse('validation_failed', `${field}: ${reason}`, {
    field,
    reason,
    close: 4422,
    ...(rule === undefined ? {} : { rule }),
  });

const broken = ({ field, reason, rule }: RuleFault): Refused => invalid(field, reason, rule);

const LACKS_STREAM = refuse('forbidden', 'The key lacks the scope `stream`', { close: 4403 });

/** Decides on `open`: every gate once, in the order in which a client can do something about it. */
export class SessionOpener {
  readonly #registry: SessionRegistry;
  readonly #models: ModelCatalogue;
  readonly #journal: JournalWriter;
  readonly #context: SessionContext;
  readonly #settings: OpenSettings;
  readonly #refusedInstructions: RefusedInstructions;
  #draining = false;

  constructor(
    registry: SessionRegistry,
    models: ModelCatalogue,
    journal: JournalWriter,
    context: SessionContext,
    settings: OpenSettings,
    refusedInstructions: RefusedInstructions,
  ) {
    this.#registry = registry;
    this.#models = models;
    this.#journal = journal;
    this.#context = context;
    this.#settings = settings;
    this.#refusedInstructions = refusedInstructions;
  }

  stop(): void {
    this.#draining = true;
  }

  /** `admission`: whether the customer may open one more; null for a resume, which needs no place. */
  open(
    open: Open,
    principal: Principal,
    socket: SocketHandle,
    admission: Admission | null,
    wire: Wire | null = null,
  ): OpenResult {
    if (this.#draining) return refuse('draining', 'The server is stopping; connect again');
    if (!principal.scopes.has('stream')) return LACKS_STREAM;
    if (open.resume !== undefined) return this.#resume(open as ResumeOpen, principal, socket);
    const fresh = open as FreshOpen;
    const result = this.#judge(fresh, principal, socket, admission, wire);
    if (result.kind === 'refused') this.#count(result.refusal, fresh, principal);
    return result;
  }

  /** S11 where no session came of an `open`: the e-stop that its robot's client sent with it is latched as if there were one. */
  latch({ robot_id }: FreshOpen, { customerId, scopes }: Principal): void {
    if (robot_id === undefined || !scopes.has('stream')) return;
    const { clock, log } = this.#context;
    const live = this.#registry.ofRobot(customerId, robot_id);
    if (live !== undefined) return live.handle({ type: 'estop' }, clock.now());
    if (this.#journal.latched(customerId, robot_id)) return;
    try {
      this.#journal.append({
        v: 1,
        kind: 'event',
        event: 'estop',
        log_id: null,
        t_ms: clock.now(),
        session_id: null,
        customer_id: customerId,
        robot_id,
        episode: null,
        data: { by: 'client' },
      });
      log.warn({ customer_id: customerId, robot_id }, 'e-stop latched without a session');
    } catch (error) {
      log.error({ err: error, customer_id: customerId, robot_id }, 'an e-stop could not be recorded');
    }
  }

  /** A fault of ours at one client's `open` ends that socket, not the gateway that drives all the others. */
  #judge(
    open: FreshOpen,
    principal: Principal,
    socket: SocketHandle,
    admission: Admission | null,
    wire: Wire | null,
  ): OpenResult {
    try {
      return this.#fresh(open, principal, socket, admission, wire);
    } catch (error) {
      const subject = { customer_id: principal.customerId, robot_type: open.robot_type };
      this.#context.log.error({ err: error, ...subject }, 'open failed');
      return refuse('internal', 'A fault of the server');
    }
  }

  #count(refusal: Refusal, { robot_type }: FreshOpen, { customerId }: Principal): void {
    if (refusal.code !== 'validation_failed' && refusal.rule === undefined) return;
    const robotType = findRobot(robot_type)?.id ?? null;
    this.#context.refusals.note(refusal, { source: 'stream', customerId, robotType });
  }

  #resume({ resume }: ResumeOpen, principal: Principal, socket: SocketHandle): OpenResult {
    const session = this.#registry.get(resume.session_id);
    if (session === undefined || !session.mayResume(resume.token, principal.customerId)) {
      this.#context.metrics.resumes.inc({ result: 'failed' });
      return refuse('resume_failed', 'No such session, or its token is wrong or expired; open a new one');
    }
    this.#context.metrics.resumes.inc({ result: 'ok' });
    session.resume(socket);
    return { kind: 'opened', session };
  }

  /**
   * Why a session could not be opened now, or null; for wires that have no words for it once there is a socket. Of the
   * customer's places nothing is known yet, so that `open` decides again.
   */
  refusal(open: FreshOpen, principal: Principal, instructsLater: boolean): Refusal | null {
    if (!principal.scopes.has('stream')) return LACKS_STREAM.refusal;
    try {
      const decision = this.#decide(open, principal, null, null, instructsLater);
      if (decision.kind !== 'refused') return null;
      this.#count(decision.refusal, open, principal);
      return decision.refusal;
    } catch (error) {
      this.#context.log.error({ err: error, customer_id: principal.customerId }, 'judging an open failed');
      return refuse('internal', 'A fault of the server').refusal;
    }
  }

  #fresh(
    open: FreshOpen,
    principal: Principal,
    socket: SocketHandle,
    admission: Admission | null,
    wire: Wire | null,
  ): OpenResult {
    const decision = this.#decide(open, principal, admission, wire, wire?.instructsLater === true);
    if (decision.kind === 'refused') return decision;
    const { asked, profile } = decision;
    const latched = this.#journal.latched(principal.customerId, profile.robotId);
    const session = new Session(profile, this.#context, socket, open.instruction, latched);
    profile.model.scheduler.reserve(session.inference, asked);
    this.#registry.add(session);
    try {
      this.#context.opened(session);
    } catch (error) {
      // Who only looks on, as a recording, is no reason to refuse a robot, nor to leave a session that nobody ends.
      this.#context.log.error({ err: error, session_id: session.id }, 'a session cannot be recorded');
    }
    session.greet(false);
    return { kind: 'opened', session };
  }

  /** Changes nothing; an instruction that is refused for what it asks is noted. */
  #decide(
    open: FreshOpen,
    principal: Principal,
    admission: Admission | null,
    wire: Wire | null,
    instructsLater: boolean,
  ): Decision {
    const fault = instructsLater && open.instruction === '' ? null : checkInstruction(open.instruction);
    if (fault !== null) {
      if (fault.kind === 'safety') {
        const subject = {
          customerId: principal.customerId,
          keyId: principal.keyId,
          sessionId: null,
          robotId: open.robot_id ?? null,
          robotType: findRobot(open.robot_type)?.id ?? null,
          modelId: null,
          modelVersion: null,
          environmentType: open.environment?.environment_type ?? null,
        };
        this.#refusedInstructions.note(subject, fault.rule, fault.severity, open.instruction);
      }
      return invalid('instruction', fault.reason, instructionRule(fault));
    }

    const robot = findRobot(open.robot_type);
    const unnamed = checkRobotType(open.robot_type);
    if (unnamed?.rule === 'robot_type.unknown') return broken(unnamed);
    if (robot === undefined) {
      const nearest = nearestRobots(open.robot_type);
      return refuse(
        'unknown_robot',
        `robot_type "${open.robot_type}" is not in the registry; did you mean ${nearest.join(', ')}?`,
        {
          field: 'robot_type',
          reason: 'not in the registry',
          details: { nearest },
          rule: 'robot_type.not_in_registry',
        },
      );
    }
    const model = this.#models.find(open.model);
    if (model === undefined) {
      return refuse('unknown_model', `model "${open.model}" is not loaded here`, {
        field: 'model',
        reason: 'not loaded',
        details: { models: this.#models.ids },
      });
    }
    const { description } = model;
    if (model.status !== 'ready') {
      return refuse('unavailable', `${description.id} is not served now: its model servers are away`, {
        details: { status: model.status },
        close: 4503,
      });
    }
    const { manifest } = model.bundle;
    const untrained = checkEmbodiment(robot, manifest.embodiments, description.id);
    if (untrained !== null) return broken(untrained);
    if (open.environment !== undefined) {
      const unknown = checkEnvironmentType(open.environment.environment_type);
      if (unknown !== null) return invalid('environment.environment_type', unknown.reason, unknown.rule);
    }
    const controlHz = open.control_hz ?? manifest.control_hz;
    const staleAfterMs =
      open.stale_after_ms ?? Math.max(this.#settings.stale_after_ms, (MIN_STALE_PERIODS * 1_000) / controlHz);
    const stale = checkStaleAfter(staleAfterMs, controlHz);
    if (stale !== null) return broken(stale);
    const execute = open.execute ?? model.bundle.execute;
    const horizon = checkExecute(execute, description.chunk_size);
    if (horizon !== null) return broken(horizon);
    const blend = open.blend ?? manifest.blend;
    const unserved = checkBlend(blend, manifest.inputs.prefix !== undefined, description.id);
    if (unserved !== null) return broken(unserved);
    const smoothing = open.smoothing ?? smoothingFor(model.bundle, controlHz);
    const mode = open.limits?.mode ?? 'reduced';
    if (mode === 'full' && !principal.scopes.has('full_speed')) {
      return refuse('forbidden', 'limits.mode `full` needs a key with the scope `full_speed`', {
        field: 'limits.mode',
        reason: 'the key lacks full_speed',
        close: 4403,
      });
    }
    const limits = resolveLimits({
      robot,
      actionSpace: description.action_space,
      mode,
      hz: controlHz,
      ...(open.limits === undefined ? {} : { tighten: open.limits }),
      ...(open.environment?.workspace === undefined ? {} : { workspace: open.environment.workspace }),
      ...(open.keep_out === undefined ? {} : { keepOut: open.keep_out }),
    });
    if (!limits.ok) return invalid(limits.field, limits.reason, limitsRule(limits.field));

    if (this.#registry.size >= this.#settings.max_sessions) {
      return refuse('session_limit', `This gateway holds its ${this.#settings.max_sessions} sessions already`);
    }
    if (admission?.kind === 'refused') {
      const { code, details, message } = admission;
      return refuse(code, message, { details });
    }
    const pressure = this.#journal.pressure();
    if (pressure.level === 'full') {
      return refuse('journal_full', 'The journal has reached its disk budget; nothing new is accepted');
    }
    if (pressure.customer(principal.customerId) > CUSTOMER_SHARE) {
      return refuse('journal_full', 'Your records wait for the database and take their share of the disk; try later');
    }
    // One inference every `execute` ticks; in lockstep one a chunk, and faster only while others leave room.
    const ticksPerInference = open.pacing === 'lockstep' ? description.chunk_size : execute;
    const asked = controlHz / ticksPerInference;
    const { free } = model.scheduler.capacity();
    if (asked > free) {
      return refuse('capacity', `${description.id} is at its capacity`, {
        details: { free_hz: Math.floor(free * ticksPerInference * 10) / 10 },
      });
    }

    const id = uuidv7();
    const robotId = open.robot_id ?? id;
    if (this.#registry.ofRobot(principal.customerId, robotId) !== undefined) {
      return refuse('robot_busy', `Robot "${robotId}" has a live session; resume it, or wait until it has expired`);
    }
    const profile: SessionProfile = {
      id,
      principal,
      robotId,
      robotType: robot.id,
      model,
      controlHz,
      pacing: open.pacing ?? 'paced',
      execute,
      // `rtc` tells the policy what goes on during its horizon: that must be known when it is asked.
      adaptive: this.#settings.horizon === 'adaptive' && open.execute === undefined && blend !== 'rtc',
      blend,
      smoothing,
      limits: limits.limits,
      asked: {
        ...(open.limits === undefined ? {} : { limits: open.limits }),
        ...(open.keep_out === undefined ? {} : { keep_out: open.keep_out }),
      },
      staleAfterMs,
      environment: open.environment ?? null,
      client: open.client ?? null,
      wire,
    };
    const unfit = checkSpec(controlSpecOf(profile));
    if (unfit !== null) return invalid(unfit.field, unfit.reason);
    return { kind: 'decided', profile, asked };
  }
}
