import {
  type Closed,
  checkObservation,
  decodeClientFrame,
  encodeClientMessage,
  type ModelDescription,
  type Observation,
  type Opened,
  type ServerMessage,
  SinewError,
  STREAM_PATH,
  type WireImage,
} from '@sinew/protocol';
import { ActionStream } from './action-stream.js';
import { CaptureTimes } from './capture-times.js';
import { ChunkedPlayer } from './chunked-player.js';
import type { Environment } from './environment.js';
import { errorOf, Link, type LinkError } from './link.js';
import { LockstepPlayer } from './lockstep-player.js';
import { LatestQueue, LockstepQueue, type ObservationQueue } from './observation-queue.js';
import { type ConnectOptions, openMessage, type RobotEvent } from './options.js';
import { PacedPlayer } from './paced-player.js';
import type { Player } from './player.js';
import type { PlayerContext } from './player-context.js';
import { restAction } from './rest-action.js';
import { localHold, type RobotAction, type RobotHoldReason } from './robot-action.js';
import { ServerClock } from './server-clock.js';
import { streamUrl } from './socket.js';

/** Commands that a consumer may fall behind by, where only the newest is worth anything. */
const NEWEST = 2;

const BEFORE_FIRST_TICK = -1;

export interface RobotImage {
  /** Encoded bytes (JPEG, PNG, WebP), or with `width` and `height` raw RGB, three bytes a pixel, row by row. */
  readonly data: Uint8Array;
  readonly width?: number;
  readonly height?: number;
}

export interface RobotObservation {
  /** By camera name. */
  readonly images: Readonly<Record<string, Uint8Array | RobotImage>>;
  /** As the model's `inputs.state.names` say; metres, radians. */
  readonly state: ArrayLike<number>;
  /** On `robot.now()`'s clock; default: now. */
  readonly capturedAtMs?: number;
  /** A new instruction from here on. */
  readonly instruction?: string;
}

export interface RobotStats {
  readonly observations: number;
  readonly actions: number;
  readonly holds: Readonly<Partial<Record<RobotHoldReason, number>>>;
  /** Commands that a slow consumer never saw. */
  readonly dropped: number;
  /** Observations replaced by a newer one before the socket took them. */
  readonly superseded: number;
  /** Observations made while the link was down. */
  readonly unsent: number;
  /** Chunks that came after their first tick. */
  readonly lateChunks: number;
  readonly reconnects: number;
  /** Best round trip of the last 16 pings; null before the first. */
  readonly rttMs: number | null;
}

/** One robot's session with the server, over however many connections it takes. */
export class Robot {
  readonly #options: ConnectOptions;
  readonly #env: Environment;
  readonly #clock = new ServerClock();
  readonly #captures = new CaptureTimes();
  readonly #link: Link;
  #stream: ActionStream | null = null;
  #queue: ObservationQueue | null = null;
  #player: Player | null = null;
  #opened: Opened | null = null;
  #instruction: string;
  #seq = 0;
  #lastValues: Float64Array | null = null;
  #lastState: Float64Array | null = null;
  #latched = false;
  /** What ended the session, if not `close`. */
  #end: LinkError | null = null;
  /** Said while the link was down; a resumed session must still hear of it. */
  #owedInstruction = false;
  #owedReset: { outcome?: { success: boolean } } | null = null;
  #actions = 0;
  readonly #holds: Partial<Record<RobotHoldReason, number>> = {};
  #lateChunks = 0;
  #reconnects = 0;
  #ready: { resolve(): void; reject(error: LinkError): void } | null = null;

  private constructor(options: ConnectOptions, env: Environment) {
    this.#options = options;
    this.#env = env;
    this.#instruction = options.instruction;
    this.#link = new Link(env, streamUrl(options.url, STREAM_PATH), options.apiKey, this.#clock, {
      openMessage: () => openMessage(options, this.#instruction),
      opened: (opened) => this.#onOpened(opened),
      received: (message) => this.#onMessage(message),
      heard: () => this.#player?.heard(),
      lost: () => this.#onLost(),
      reconnecting: (attempt, delayMs, error) => {
        this.#reconnects++;
        this.#emit({ type: 'reconnecting', attempt, delayMs, error });
      },
      ended: (error) => this.#onEnded(error),
    });
  }

  /** Connects and opens a session. Rejects with the first failure: SinewError with a code, or ConnectionError. */
  static async connect(options: ConnectOptions, env: Environment): Promise<Robot> {
    const robot = new Robot(options, env);
    await new Promise<void>((resolve, reject) => {
      robot.#ready = { resolve, reject };
      robot.#link.start();
    });
    return robot;
  }

  /** Milliseconds on the clock that `capturedAtMs` is on: since the epoch, never running backwards. */
  now(): number {
    return this.#env.now();
  }

  /** What the server said at the last (re)opening: limits in force, model, rates. */
  get opened(): Opened {
    return this.#session();
  }

  get model(): ModelDescription {
    return this.#session().model;
  }

  get sessionId(): string {
    return this.#session().session_id;
  }

  get controlHz(): number {
    return this.#session().control_hz;
  }

  /** Whether the link to the server is up now. */
  get connected(): boolean {
    return this.#link.up;
  }

  get stats(): RobotStats {
    const latest = this.#queue instanceof LatestQueue ? this.#queue : null;
    return {
      observations: this.#seq,
      actions: this.#actions,
      holds: { ...this.#holds },
      dropped: this.#stream?.dropped ?? 0,
      superseded: latest?.superseded ?? 0,
      unsent: latest?.unsent ?? 0,
      lateChunks: this.#lateChunks,
      reconnects: this.#reconnects,
      rttMs: this.#clock.rttMs,
    };
  }

  /**
   * Sends what the robot sees now. Everything is copied before this returns. Never waits: where the socket is backed up
   * the newest observation replaces the one that waits; in lockstep a fifth unanswered one throws `overflow`.
   * @returns the observation's seq. Throws `validation_failed` where it does not fit the model.
   */
  observe({ images, state, capturedAtMs, instruction }: RobotObservation): number {
    const queue = this.#queue;
    const player = this.#player;
    if (queue === null || player === null) throw this.#over();
    const seq = this.#seq;
    const appliedSeq = player.appliedSeq;
    const observation: Observation = {
      type: 'observation',
      seq,
      captured_at_ms: capturedAtMs ?? this.#env.now(),
      images: Object.fromEntries(Object.entries(images).map(([camera, image]) => [camera, wireImage(camera, image)])),
      state: Float64Array.from(state),
      ...(appliedSeq === null ? {} : { applied_seq: appliedSeq }),
      ...(instruction === undefined ? {} : { instruction }),
    };
    const fault = checkObservation(observation, this.model, -1);
    if (fault !== null) {
      const { field, reason } = fault;
      throw new SinewError(fault.code, fault.message, {
        ...(field === undefined ? {} : { field }),
        ...(reason === undefined ? {} : { reason }),
      });
    }
    queue.offer(seq, encodeClientMessage(observation));
    this.#seq++;
    this.#captures.add(seq, observation.captured_at_ms);
    this.#lastState = observation.state;
    if (instruction !== undefined) this.#instruction = instruction;
    player.observed(observation.state);
    return seq;
  }

  /** The robot's commands, one a control tick, until `close`; throws what ended the session otherwise. */
  actions(): AsyncIterableIterator<RobotAction, undefined> {
    if (this.#stream === null) throw this.#over();
    return this.#stream;
  }

  /** What to do from now on. Kept over reconnects. */
  instruct(instruction: string): void {
    this.#instruction = instruction;
    this.#owedInstruction = !this.#link.send({ type: 'instruction', instruction });
  }

  /** A new episode: nothing planned or seen before is used any more. `outcome` is of the one that ended. */
  reset(end: { outcome?: { success: boolean } } = {}): void {
    this.#queue?.clear();
    this.#player?.reset();
    if (!this.#link.send({ type: 'reset', ...end })) this.#owedReset = end;
  }

  /** Stops the robot: holds from this moment, here and (as soon as it can be told) on the server, until `clearEstop` or an operator’s release. */
  estop(): void {
    this.#latched = true;
    this.#queue?.clear();
    this.#player?.estop();
    this.#link.send({ type: 'estop' });
  }

  /**
   * Releases the e-stop; motion starts again from a fresh observation.
   * @returns false, and nothing changed, while the link is down: a release must not act at some later moment.
   */
  clearEstop(): boolean {
    if (!this.#link.send({ type: 'estop_clear' })) return false;
    this.#latched = false;
    this.#player?.release();
    return true;
  }

  /** Ends the session. @returns the server's farewell with its counters, or null where it could not be had. */
  close(): Promise<Closed | null> {
    return this.#link.close();
  }

  #over(): SinewError {
    return new SinewError('resume_failed', 'the session is over', this.#end === null ? {} : { cause: this.#end });
  }

  #session(): Opened {
    // `connect` resolves after the first `opened`
    if (this.#opened === null) throw new SinewError('internal', 'not opened');
    return this.#opened;
  }

  #onOpened(opened: Opened): void {
    const before = this.#opened;
    this.#opened = opened;
    const { session_id: sessionId, resumed, epoch } = opened;
    try {
      if (resumed && this.#player !== null) this.#player.linkRestored();
      else this.#begin(opened);
    } catch (error) {
      // chunks of this session cannot be executed here (ControlSpecError): its consumer must know
      this.#link.abort(new SinewError('validation_failed', String(error), { field: 'pacing', cause: error }));
      return;
    }
    this.#emit({ type: 'session', sessionId, resumed, epoch });
    if (before !== null) this.#catchUp(opened);
    this.#ready?.resolve();
    this.#ready = null;
  }

  /** A new session: its ticks, chunks and answers have nothing to do with an earlier one's. */
  #begin(opened: Opened): void {
    this.#player?.stop();
    const lockstep = opened.pacing === 'lockstep';
    this.#stream ??= new ActionStream(lockstep ? opened.model.chunk_size + 1 : NEWEST, (action) => this.#taken(action));
    this.#queue ??= lockstep ? new LockstepQueue(this.#link) : new LatestQueue(this.#link, this.#env);
    const context: PlayerContext = {
      env: this.#env,
      opened,
      stream: this.#stream,
      clock: this.#clock,
      push: (action) => this.#push(action),
      ageMs: (seq) => this.#captures.ageMs(seq, this.#env.now()),
      nextObservationSeq: () => this.#seq,
      rest: () => restAction(opened.model, this.#options.robotType, this.#lastValues, this.#lastState),
      late: () => {
        this.#lateChunks++;
      },
      failed: (error) => {
        this.#link.send({ type: 'estop' });
        this.#link.abort(new SinewError('internal', `${error}; the robot’s e-stop is latched`, { cause: error }));
      },
    };
    const replaced = this.#player !== null;
    this.#player = createPlayer(context);
    if (this.#latched) this.#player.estop();
    // The server waits for an observation, and a consumer may observe after each command only: one of them has to begin.
    else if (replaced && !lockstep && this.#lastState !== null) this.#standFirst(context);
  }

  #standFirst({ push, rest }: PlayerContext): void {
    const values = rest();
    if (values !== null) push(localHold(values, BEFORE_FIRST_TICK, 'link'));
  }

  /** Tells the server what happened while it could not be reached. */
  #catchUp(opened: Opened): void {
    if (this.#latched && !opened.estopped) this.#link.send({ type: 'estop' });
    if (opened.resumed) {
      if (this.#owedInstruction) this.#link.send({ type: 'instruction', instruction: this.#instruction });
      if (this.#owedReset !== null) this.#link.send({ type: 'reset', ...this.#owedReset });
    }
    this.#owedReset = null;
    this.#owedInstruction = false;
    this.#resend(opened.resumed);
  }

  /** In lockstep the answers on their way are lost with a socket: what was not answered is asked again, under new seqs. */
  #resend(resumed: boolean): void {
    const queue = this.#queue;
    if (queue === null) return;
    const frames = [...queue.unanswered];
    queue.clear();
    for (const frame of frames) {
      const decoded = decodeClientFrame(frame);
      if (!decoded.ok || decoded.message.type !== 'observation') continue;
      const { applied_seq: applied, ...observation } = decoded.message;
      const seq = this.#seq++;
      this.#captures.add(seq, observation.captured_at_ms);
      const again =
        resumed && applied !== undefined ? { ...observation, seq, applied_seq: applied } : { ...observation, seq };
      queue.offer(seq, encodeClientMessage(again));
    }
  }

  #onMessage(message: ServerMessage): void {
    switch (message.type) {
      case 'chunk':
        this.#queue?.answered(message.observation_seq);
        this.#player?.receive(message);
        return;
      case 'hold':
        this.#queue?.answered(null);
        this.#player?.receive(message);
        return;
      case 'action':
        this.#player?.receive(message);
        return;
      case 'notice':
        if (message.code === 'estop_cleared') this.#releasedByOperator();
        this.#emit({ type: 'notice', code: message.code, message: message.message });
        return;
      case 'error': {
        if (message.fatal) return; // the close that follows tells it
        const seq = message.observation_seq ?? null;
        if (seq !== null) this.#refused(seq, message.field);
        this.#emit({ type: 'error', error: errorOf(message), observationSeq: seq });
        return;
      }
      default:
        return;
    }
  }

  /**
   * S11: an operator's release is one for both sides; motion starts again from a fresh observation. It cannot undo a later e-stop of
   * this side: that reaches the server before any observation that could move the robot.
   */
  #releasedByOperator(): void {
    this.#latched = false;
    this.#player?.release();
  }

  #refused(seq: number, field: string | undefined): void {
    if (this.#player instanceof ChunkedPlayer && field === 'applied_seq') this.#player.ranAhead();
    if (!(this.#queue instanceof LockstepQueue)) return;
    this.#queue.answered(seq);
    // in lockstep the consumer waits for this observation's commands: one hold lets it go on
    const opened = this.#session();
    const rest = restAction(opened.model, this.#options.robotType, this.#lastValues, this.#lastState);
    if (rest !== null) this.#push(localHold(rest, (this.#player?.appliedSeq ?? -1) + 1, 'rejected'));
  }

  #onLost(): void {
    this.#player?.linkLost();
    if (this.#queue instanceof LatestQueue) this.#queue.clear();
  }

  #onEnded(error: LinkError | null): void {
    this.#end = error;
    this.#player?.stop();
    this.#queue?.stop();
    this.#stream?.end(error);
    this.#player = null;
    this.#ready?.reject(error ?? new SinewError('internal', 'closed while opening'));
    this.#ready = null;
  }

  #push(action: RobotAction): void {
    if (action.kind === 'action') this.#actions++;
    else if (action.reason !== null) this.#holds[action.reason] = (this.#holds[action.reason] ?? 0) + 1;
    this.#stream?.push(action);
  }

  #taken(action: RobotAction): RobotAction {
    const command = this.#player?.taken(action) ?? action;
    this.#lastValues = command.values;
    return command;
  }

  /** After the present message is dealt with: a handler may call back into the robot. */
  #emit(event: RobotEvent): void {
    const { onEvent } = this.#options;
    if (onEvent !== undefined) queueMicrotask(() => onEvent(event));
  }
}

function createPlayer(context: PlayerContext): Player {
  switch (context.opened.pacing) {
    case 'paced':
      return new PacedPlayer(context);
    case 'chunked':
      return new ChunkedPlayer(context);
    case 'lockstep':
      return new LockstepPlayer(context);
  }
}

function wireImage(camera: string, image: Uint8Array | RobotImage): WireImage {
  if (image instanceof Uint8Array) return { kind: 'encoded', data: image };
  const { data, width, height } = image;
  if (width === undefined || height === undefined) return { kind: 'encoded', data };
  if (data.length !== width * height * 3) {
    const reason = `raw RGB of ${width} × ${height} must have ${width * height * 3} bytes, has ${data.length}`;
    throw new SinewError('validation_failed', `images.${camera}: ${reason}`, { field: `images.${camera}`, reason });
  }
  return { kind: 'rgb8', data, width, height };
}
