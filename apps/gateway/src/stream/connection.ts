import {
  decodeClientFrame,
  ERRORS,
  type ErrorCode,
  encodeServerMessage,
  type FreshOpen,
  type WireFault,
} from '@sinew/protocol';
import type { Metrics } from '@sinew/telemetry';
import type { Principal } from '../auth.js';
import type { Clock } from '../clock.js';
import type { Refusals } from '../gates/refusals.js';
import type { CustomerAccount } from '../limits/customer-account.js';
import type { SessionPlaces } from '../limits/session-places.js';
import type { OpenResult, SessionOpener } from '../session/open.js';
import type { Session } from '../session/session.js';
import { isEstop, KeptFrames } from './kept-frames.js';
import type { SocketHandle } from './socket-handle.js';

export interface ConnectionSettings {
  readonly open_timeout_ms: number;
  readonly ping_interval_ms: number;
}

type Phase =
  | { readonly kind: 'opening'; readonly sinceMs: number }
  /** Whether its customer may open one more session is being asked; what comes meanwhile is kept. */
  | { readonly kind: 'deciding'; readonly kept: KeptFrames }
  | { readonly kind: 'bound'; readonly session: Session }
  | { readonly kind: 'ended' };

/** Pings without any answer before a socket is given up (W4). */
const MISSED_PINGS = 3;

/** One socket's life: waits for `open`, then hands every frame to its session. */
export class Connection {
  readonly socket: SocketHandle;
  readonly principal: Principal;
  readonly #clock: Clock;
  readonly #opener: SessionOpener;
  readonly #metrics: Metrics;
  readonly #refusals: Refusals;
  readonly #account: CustomerAccount;
  readonly #places: SessionPlaces;
  readonly #settings: ConnectionSettings;
  #phase: Phase;
  #heardMs: number;
  #pingedMs: number;

  constructor(
    socket: SocketHandle,
    principal: Principal,
    clock: Clock,
    opener: SessionOpener,
    metrics: Metrics,
    refusals: Refusals,
    account: CustomerAccount,
    places: SessionPlaces,
    settings: ConnectionSettings,
  ) {
    this.socket = socket;
    this.principal = principal;
    this.#clock = clock;
    this.#opener = opener;
    this.#metrics = metrics;
    this.#refusals = refusals;
    this.#account = account;
    this.#places = places;
    account.users++;
    this.#settings = settings;
    const now = clock.now();
    this.#phase = { kind: 'opening', sinceMs: now };
    this.#heardMs = now;
    this.#pingedMs = now;
  }

  heard(): void {
    this.#heardMs = this.#clock.now();
  }

  /** One frame. `frame` is uWS's buffer and dies when this returns: what is kept of it is copied where it is kept (images: ImageSlab). */
  receive(frame: ArrayBuffer, isBinary: boolean, arrivedMs: number = this.#clock.now()): void {
    this.#heardMs = arrivedMs;
    const phase = this.#phase;
    if (phase.kind === 'ended') return;
    if (phase.kind === 'deciding' && isBinary) return phase.kept.keep(frame, arrivedMs);
    if (!isBinary) return this.#bad('bad_message', 'Text frames are not part of this protocol; send msgpack');
    if (phase.kind === 'bound') {
      if (!phase.session.admitFrame(arrivedMs)) return this.#estopOnly(frame, phase.session);
      const verdict = this.#account.frames.take(arrivedMs);
      if (verdict !== 'ok') return this.#tooManyOfCustomer(verdict, frame, phase.session);
    }
    const decoded = decodeClientFrame(new Uint8Array(frame));
    if (!decoded.ok) return this.#fault(decoded.fault);
    const { message } = decoded;
    this.#metrics.frames.cell(message.type).inc();
    if (phase.kind === 'bound') {
      phase.session.handle(message, arrivedMs);
      const { pacer, journal } = phase.session.context;
      pacer.catchUp(arrivedMs);
      journal.poll(arrivedMs);
      return;
    }
    if (message.type !== 'open')
      return this.#bad('bad_message', `The first message is \`open\`, not \`${message.type}\``);
    if (message.resume === undefined) void this.#openFresh(message as FreshOpen, decoded.ignored ?? []);
    else this.#decided(this.#opener.open(message, this.principal, this.socket, null));
  }

  /** A new session takes a place among its customer's, which other gateways have a say in; a resumed one has its own. */
  async #openFresh(open: FreshOpen, ignored: readonly string[]): Promise<void> {
    const kept = new KeptFrames();
    this.#phase = { kind: 'deciding', kept };
    const admission = await this.#places.admit(this.#account, open);
    const waiting = this.#waits();
    const result = waiting ? this.#opener.open(open, this.principal, this.socket, admission) : null;
    if (admission.kind === 'admitted') {
      if (result?.kind === 'opened') this.#places.bind(result.session.id, admission.place);
      else this.#places.withdraw(admission.place);
    }
    // Its robot may go on elsewhere, or come back: whatever became of this `open`, the e-stop that came with it stands.
    if (result?.kind !== 'opened' && kept.estopped) this.#opener.latch(open, this.principal);
    if (result === null) return;
    this.#decided(result);
    if (result.kind === 'opened' && ignored.length > 0) {
      const fields = ignored.join(', ');
      result.session.outbox.notice(
        'fields_ignored',
        `These fields of \`open\` are not known and have no effect: ${fields}`,
      );
    }
    for (const { frame, arrivedMs } of kept) this.receive(frame, true, arrivedMs);
  }

  /** The client may have gone, or a drain begun, while others were asked. */
  #waits(): boolean {
    return this.#phase.kind === 'deciding';
  }

  #decided(result: OpenResult): void {
    if (result.kind === 'opened') {
      this.#phase = { kind: 'bound', session: result.session };
      return;
    }
    const { close, rule: _, ...refusal } = result.refusal;
    this.#send({ type: 'error', fatal: true, ...refusal });
    this.#end(close, refusal.code);
  }

  /** As over a session's own rate (W6), but for all sessions of its customer. */
  #tooManyOfCustomer(verdict: 'drop' | 'close', frame: ArrayBuffer, session: Session): void {
    session.counters.frames_limited++;
    this.#metrics.framesLimited.inc();
    this.#metrics.rateLimited.cell('frames').inc();
    this.#estopOnly(frame, session);
    if (verdict === 'close') {
      session.outbox.fail('rate_limited', 'Too many frames of this customer for ten seconds');
      session.close('rate_limited', ERRORS.rate_limited.close);
    } else session.outbox.notice('rate_limited', 'Frames over the customer’s rate are dropped');
  }

  /** Over its rate a session is heard no more, but an e-stop always is; it is a small frame, so only those are looked at. */
  #estopOnly(frame: ArrayBuffer, session: Session): void {
    if (isEstop(frame)) session.handle({ type: 'estop' }, this.#clock.now());
  }

  /** W3, W4: no `open` in time, or no sign of life. */
  sweep(nowMs: number): void {
    if (this.#phase.kind === 'ended') return;
    const { open_timeout_ms, ping_interval_ms } = this.#settings;
    if (this.#phase.kind === 'opening' && nowMs - this.#phase.sinceMs >= open_timeout_ms) {
      this.#end(4408, 'no open in time');
    } else if (nowMs - this.#heardMs >= MISSED_PINGS * ping_interval_ms) {
      this.#end(4408, 'no sign of life');
    } else if (nowMs - this.#pingedMs >= ping_interval_ms) {
      this.#pingedMs = nowMs;
      this.socket.ping();
    }
  }

  /** S9: nobody is bound yet, so nobody has anything to finish. */
  drain(): void {
    if (this.#phase.kind === 'opening' || this.#phase.kind === 'deciding') this.#end(4503, 'draining');
  }

  closed(): void {
    this.socket.forget();
    this.#account.users--;
    if (this.#phase.kind === 'bound') this.#phase.session.detach(this.socket);
    this.#phase = { kind: 'ended' };
  }

  #fault(fault: WireFault): void {
    // A second `open` with a fault in it is as little the end of a session as one without.
    if (this.#phase.kind === 'bound' && fault.code !== 'bad_message') {
      this.#phase.session.fault({ ...fault, fatal: false });
      return;
    }
    // W3: before `open`, only a fault of `open` itself has a name of its own.
    const { rule: _, ...told } = fault;
    const ending: WireFault = fault.fatal ? told : { code: 'bad_message', message: fault.message, fatal: true };
    this.#refusals.note(fault, { source: 'stream', customerId: this.principal.customerId, robotType: null });
    this.#send({ type: 'error', ...ending });
    this.#end(ERRORS[ending.code].close ?? 4400, ending.code);
  }

  #bad(code: ErrorCode, message: string): void {
    this.#fault({ code, message, fatal: true });
  }

  #send(message: Parameters<typeof encodeServerMessage>[0]): void {
    this.socket.send(encodeServerMessage(message), this.#clock.now());
  }

  #end(code: number, reason: string): void {
    const phase = this.#phase;
    this.socket.end(code, reason, this.#clock.now());
    // A session outlives its socket: the client may resume it.
    if (phase.kind === 'bound') phase.session.detach(this.socket);
    this.#phase = { kind: 'ended' };
  }
}
