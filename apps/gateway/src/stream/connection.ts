import { decodeClientFrame, ERRORS, type ErrorCode, encodeServerMessage, type WireFault } from '@sinew/protocol';
import type { Metrics } from '@sinew/telemetry';
import type { Principal } from '../auth.js';
import type { Clock } from '../clock.js';
import type { Refusals } from '../gates/refusals.js';
import type { SessionOpener } from '../session/open.js';
import type { Session } from '../session/session.js';
import type { SocketHandle } from './socket-handle.js';

export interface ConnectionSettings {
  readonly open_timeout_ms: number;
  readonly ping_interval_ms: number;
}

type Phase =
  | { readonly kind: 'opening'; readonly sinceMs: number }
  | { readonly kind: 'bound'; readonly session: Session }
  | { readonly kind: 'ended' };

/** Pings without any answer before a socket is given up (W4). */
const MISSED_PINGS = 3;
/** An `estop` of any msgpack library fits, unknown fields of a few words included. */
const ESTOP_FRAME_BYTES = 128;

/** One socket's life: waits for `open`, then hands every frame to its session. */
export class Connection {
  readonly socket: SocketHandle;
  readonly principal: Principal;
  readonly #clock: Clock;
  readonly #opener: SessionOpener;
  readonly #metrics: Metrics;
  readonly #refusals: Refusals;
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
    settings: ConnectionSettings,
  ) {
    this.socket = socket;
    this.principal = principal;
    this.#clock = clock;
    this.#opener = opener;
    this.#metrics = metrics;
    this.#refusals = refusals;
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
  receive(frame: ArrayBuffer, isBinary: boolean): void {
    const arrivedMs = this.#clock.now();
    this.#heardMs = arrivedMs;
    const phase = this.#phase;
    if (phase.kind === 'ended') return;
    if (!isBinary) return this.#bad('bad_message', 'Text frames are not part of this protocol; send msgpack');
    if (phase.kind === 'bound' && !phase.session.admitFrame(arrivedMs)) return this.#estopOnly(frame, phase.session);
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
    const result = this.#opener.open(message, this.principal, this.socket);
    if (result.kind === 'opened') {
      this.#phase = { kind: 'bound', session: result.session };
      return;
    }
    const { close, rule: _, ...refusal } = result.refusal;
    this.#send({ type: 'error', fatal: true, ...refusal });
    this.#end(close, refusal.code);
  }

  /** Over its rate a session is heard no more, but an e-stop always is; it is a small frame, so only those are looked at. */
  #estopOnly(frame: ArrayBuffer, session: Session): void {
    if (frame.byteLength > ESTOP_FRAME_BYTES) return;
    const decoded = decodeClientFrame(new Uint8Array(frame));
    if (!decoded.ok || decoded.message.type !== 'estop') return;
    const { message } = decoded;
    session.handle(message, this.#clock.now());
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
    if (this.#phase.kind === 'opening') this.#end(4503, 'draining');
  }

  closed(): void {
    this.socket.forget();
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
