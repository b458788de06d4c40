import { CLOSE_IDLE, type WireFault } from '@sinew/protocol';
import { decodeOpenpi, type OpenpiValue } from '@sinew/protocol/openpi';
import type { Metrics } from '@sinew/telemetry';
import type { Principal } from '../auth.js';
import type { Clock } from '../clock.js';
import type { Refusals } from '../gates/refusals.js';
import type { CustomerAccount } from '../limits/customer-account.js';
import type { SessionPlaces } from '../limits/session-places.js';
import type { Refusal, SessionOpener } from '../session/open.js';
import type { Session } from '../session/session.js';
import { isOpenpiMap, ObservationMap, type OpenpiMap, textOf } from './observation-map.js';
import type { OpenpiOutbox } from './openpi-outbox.js';
import type { OpenpiSocket } from './openpi-socket.js';
import { OpenpiWire } from './openpi-wire.js';
import type { OpenpiParameters } from './parameters.js';

export interface OpenpiConnectionDeps {
  readonly clock: Clock;
  readonly opener: SessionOpener;
  readonly metrics: Metrics;
  readonly refusals: Refusals;
  readonly places: SessionPlaces;
  readonly pingIntervalMs: number;
}

type Phase =
  | { readonly kind: 'deciding' }
  | { readonly kind: 'bound'; readonly session: Session; readonly outbox: OpenpiOutbox; readonly map: ObservationMap }
  | { readonly kind: 'ended' };

/** Who works on a chunk may answer no ping before it is done: openpi's own server waits 40 s. */
const SILENCE_MS = 60_000;
const RESET_REPLY = 'reset successful';
const LONGEST_EPISODE_NAME = 256;

/**
 * One openpi client: opens a session by itself, hands it what comes as observations, and ends it with the socket. One
 * observation is under way at a time, as replies name none.
 */
export class OpenpiConnection {
  readonly socket: OpenpiSocket;
  readonly principal: Principal;
  readonly #parameters: OpenpiParameters;
  readonly #account: CustomerAccount;
  readonly #deps: OpenpiConnectionDeps;
  #phase: Phase = { kind: 'deciding' };
  #seq = 0;
  /** RoboArena's name of the episode, as it last came. */
  #episode: string | null = null;
  #heardMs: number;
  #pingedMs: number;

  constructor(
    socket: OpenpiSocket,
    principal: Principal,
    parameters: OpenpiParameters,
    account: CustomerAccount,
    deps: OpenpiConnectionDeps,
  ) {
    this.socket = socket;
    this.principal = principal;
    this.#parameters = parameters;
    this.#account = account;
    this.#deps = deps;
    account.users++;
    const now = deps.clock.now();
    this.#heardMs = now;
    this.#pingedMs = now;
  }

  /** Never rejects. */
  async open(): Promise<void> {
    const { clock, opener, places } = this.#deps;
    const { open } = this.#parameters;
    const admission = await places.admit(this.#account, open);
    const wire = new OpenpiWire(this.socket, clock, this.#parameters);
    const result = this.#waits() ? opener.open(open, this.principal, this.socket, admission, wire) : null;
    if (admission.kind === 'admitted') {
      if (result?.kind === 'opened') places.bind(result.session.id, admission.place);
      else places.withdraw(admission.place);
    }
    if (result === null) return;
    if (result.kind === 'refused') return this.#refused(result.refusal);
    const { session } = result;
    const map = new ObservationMap(session.profile.model.description, this.#parameters);
    // Its first frame may have ended the socket.
    if (!this.#waits()) return session.close('client', null);
    if (wire.spoken !== null) this.#phase = { kind: 'bound', session, outbox: wire.spoken, map };
  }

  #waits(): boolean {
    return this.#phase.kind === 'deciding';
  }

  heard(): void {
    this.#heardMs = this.#deps.clock.now();
  }

  /** One frame. `frame` is uWS's buffer and dies when this returns: what is kept of it is copied where it is kept. */
  receive(frame: ArrayBuffer, isBinary: boolean, arrivedMs: number = this.#deps.clock.now()): void {
    this.#heardMs = arrivedMs;
    const phase = this.#phase;
    if (phase.kind === 'ended' || !this.socket.open) return;
    if (!isBinary) return this.#bad('text frames are not part of this protocol; send msgpack');
    if (phase.kind === 'deciding') return this.#bad('wait for the first frame of the server');
    const { outbox, session } = phase;
    if (outbox.awaited) return this.#bad('one observation at a time: the one before has no reply yet');
    // Whoever is left without a reply waits for ever: what others drop ends this socket.
    if (!session.admitFrame(arrivedMs) || !this.#admitted(session, arrivedMs)) {
      return this.socket.fail('rate_limited', 'too many frames', arrivedMs);
    }
    const decoded = decodeOpenpi(new Uint8Array(frame));
    if (!decoded.ok) return this.#bad(decoded.reason);
    if (!isOpenpiMap(decoded.value)) return this.#bad('an observation is a map');
    const request = decoded.value;
    // Whatever it brings about ends this session alone.
    session.guard(() => this.#request(request, phase, arrivedMs));
    const { pacer, journal } = session.context;
    pacer.catchUp(arrivedMs);
    journal.poll(arrivedMs);
  }

  #admitted(session: Session, arrivedMs: number): boolean {
    if (this.#account.frames.take(arrivedMs) === 'ok') return true;
    session.counters.frames_limited++;
    this.#deps.metrics.framesLimited.inc();
    this.#deps.metrics.rateLimited.cell('frames').inc();
    return false;
  }

  #request(request: OpenpiMap, { map, outbox, session }: Phase & { kind: 'bound' }, arrivedMs: number): void {
    const { metrics } = this.#deps;
    const { endpoint } = request;
    if (endpoint === 'reset') {
      metrics.frames.cell('reset').inc();
      session.handle({ type: 'reset' }, arrivedMs);
      this.socket.sendText(RESET_REPLY, this.#deps.clock.now());
      return;
    }
    if (endpoint !== undefined && endpoint !== 'infer') return this.#bad('`endpoint` is `infer` or `reset`');
    metrics.frames.cell('observation').inc();
    const episode = episodeOf(request.session_id);
    if (episode === null)
      return session.fault(
        faultOf('session_id', `must be a number or a text of up to ${LONGEST_EPISODE_NAME} characters`),
      );
    if (this.#begins(episode)) session.handle({ type: 'reset' }, arrivedMs);
    const observation = map.read(request, this.#seq++, arrivedMs);
    if ('reason' in observation) return session.fault(faultOf(observation.field, observation.reason));
    if (observation.instruction === undefined && session.instruction === '')
      return session.fault(faultOf('prompt', 'the observation has none, and the connection named none'));
    outbox.await(arrivedMs);
    session.handle(observation, arrivedMs);
  }

  /** Whether another episode begins: RoboArena's clients name theirs. */
  #begins(episode: string | undefined): boolean {
    if (episode === undefined) return false;
    const before = this.#episode;
    this.#episode = episode;
    return before !== null && before !== episode;
  }

  #refused({ code, field, message, reason, rule }: Refusal): void {
    const subject = { source: 'stream', customerId: this.principal.customerId, robotType: null } as const;
    if (code === 'bad_message') this.#deps.refusals.note({ field, rule }, subject);
    const named = field === undefined || reason === undefined ? message : `${field}: ${reason}`;
    this.#fail(code, code === 'validation_failed' ? named : message);
  }

  #bad(message: string): void {
    const subject = { source: 'stream', customerId: this.principal.customerId, robotType: null } as const;
    this.#deps.refusals.note({ field: 'frame' }, subject);
    this.#fail('bad_message', message);
  }

  #fail(code: string, message: string): void {
    this.socket.fail(code, message, this.#deps.clock.now());
  }

  /** No sign of life for far longer than any client works on a chunk. */
  sweep(nowMs: number): void {
    const { pingIntervalMs } = this.#deps;
    if (this.#phase.kind === 'ended') return;
    if (nowMs - this.#heardMs >= Math.max(SILENCE_MS, 3 * pingIntervalMs)) {
      this.socket.end(CLOSE_IDLE, 'no sign of life', nowMs);
    } else if (nowMs - this.#pingedMs >= pingIntervalMs) {
      this.#pingedMs = nowMs;
      this.socket.ping();
    }
  }

  drain(): void {
    if (this.#phase.kind === 'deciding') this.socket.end(4503, 'draining', this.#deps.clock.now());
  }

  /** A session of this wire cannot be resumed: it ends with its socket. */
  closed(): void {
    const phase = this.#phase;
    this.socket.forget();
    this.#account.users--;
    this.#phase = { kind: 'ended' };
    // uWS calls this from within `end`, which a session may be in the middle of.
    if (phase.kind === 'bound') queueMicrotask(() => phase.session.guard(() => phase.session.close('client', null)));
  }
}

/** Undefined where none is named, null where it is no name. */
function episodeOf(name: OpenpiValue | undefined): string | undefined | null {
  if (typeof name === 'number' || typeof name === 'bigint') return String(name);
  const text = textOf(name);
  return typeof text === 'string' && text.length > LONGEST_EPISODE_NAME ? null : text;
}

const faultOf = (field: string, reason: string): WireFault => ({
  code: 'validation_failed',
  message: `${field}: ${reason}`,
  fatal: false,
  field,
  reason,
});
