import { checkInstruction } from '@sinew/contracts';
import { checkSpec, resolveLimits } from '@sinew/control';
import { CUSTOMER_SHARE, type JournalWriter } from '@sinew/journal';
import { ERRORS, type ErrorCode, type FreshOpen, type Open, type ResumeOpen } from '@sinew/protocol';
import { findRobot, nearestRobots } from '@sinew/robots';
import { v7 as uuidv7 } from 'uuid';
import type { Principal } from '../auth.js';
import type { ModelCatalogue } from '../models.js';
import type { SocketHandle } from '../stream/socket-handle.js';
import { controlSpecOf, type SessionProfile } from './profile.js';
import type { RefusedInstructions } from './refused-instructions.js';
import type { SessionRegistry } from './registry.js';
import { Session, type SessionContext } from './session.js';
import { smoothingFor } from './smoothing.js';

export interface Refusal {
  readonly code: ErrorCode;
  readonly message: string;
  readonly close: number;
  readonly field?: string;
  readonly reason?: string;
  readonly details?: Record<string, unknown>;
}

export type OpenResult =
  | { readonly kind: 'opened'; readonly session: Session }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

export interface OpenSettings {
  readonly max_sessions: number;
  readonly stale_after_ms: number;
}

/** The longest `stale_after_ms` a client may ask for, and the shortest in control periods (S6). */
const MAX_STALE_MS = 2_000;
const MIN_STALE_PERIODS = 2.5;

const refuse = (code: ErrorCode, message: string, extra: Partial<Refusal> = {}): OpenResult => ({
  kind: 'refused',
  refusal: { code, message, close: ERRORS[code].close ?? 4422, ...extra },
});

const invalid = (field: string, reason: string): OpenResult =>
  refuse('validation_failed', `${field}: ${reason}`, { field, reason, close: 4422 });

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

  open(open: Open, principal: Principal, socket: SocketHandle): OpenResult {
    if (this.#draining) return refuse('draining', 'The server is stopping; connect again');
    if (!principal.scopes.has('stream'))
      return refuse('forbidden', 'The key lacks the scope `stream`', { close: 4403 });
    return open.resume === undefined
      ? this.#fresh(open as FreshOpen, principal, socket)
      : this.#resume(open as ResumeOpen, principal, socket);
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

  #fresh(open: FreshOpen, principal: Principal, socket: SocketHandle): OpenResult {
    const fault = checkInstruction(open.instruction);
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
      return invalid('instruction', fault.reason);
    }

    const robot = findRobot(open.robot_type);
    if (robot === undefined) {
      const nearest = nearestRobots(open.robot_type);
      return refuse(
        'unknown_robot',
        `robot_type "${open.robot_type}" is not in the registry; did you mean ${nearest.join(', ')}?`,
        {
          field: 'robot_type',
          reason: 'not in the registry',
          details: { nearest },
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
    const { manifest } = model.bundle;
    if (!manifest.embodiments.includes('*') && !manifest.embodiments.includes(robot.id)) {
      return invalid(
        'robot_type',
        `${description.id} was trained for ${manifest.embodiments.join(', ')}, not for ${robot.id}`,
      );
    }
    const controlHz = open.control_hz ?? manifest.control_hz;
    const staleAfterMs =
      open.stale_after_ms ?? Math.max(this.#settings.stale_after_ms, (MIN_STALE_PERIODS * 1_000) / controlHz);
    const shortest = (MIN_STALE_PERIODS * 1_000) / controlHz;
    if (staleAfterMs < shortest || staleAfterMs > Math.max(MAX_STALE_MS, shortest)) {
      return invalid('stale_after_ms', `must be between ${shortest} (2.5 control periods) and ${MAX_STALE_MS}`);
    }
    const execute = open.execute ?? model.bundle.execute;
    if (execute < 1 || execute > description.chunk_size) {
      return invalid('execute', `must be between 1 and the chunk size ${description.chunk_size}`);
    }
    const blend = open.blend ?? manifest.blend;
    if (blend === 'rtc' && manifest.inputs.prefix === undefined)
      return invalid('blend', `${description.id} takes no prefix inputs, which rtc needs`);
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
    if (!limits.ok) return invalid(limits.field, limits.reason);

    if (this.#registry.size >= this.#settings.max_sessions) {
      return refuse('session_limit', `This gateway holds its ${this.#settings.max_sessions} sessions already`);
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
    };
    const unfit = checkSpec(controlSpecOf(profile));
    if (unfit !== null) return invalid(unfit.field, unfit.reason);
    const latched = this.#journal.latched(principal.customerId, robotId);
    const session = new Session(profile, this.#context, socket, open.instruction, latched);
    model.scheduler.reserve(session.inference, asked);
    this.#registry.add(session);
    session.greet(false);
    return { kind: 'opened', session };
  }
}
