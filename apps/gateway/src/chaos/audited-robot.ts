import type { LimitsInForce } from '@sinew/control';
import { decodeServerFrame, type ErrorCode, type ServerMessage } from '@sinew/protocol';
import {
  connect,
  type Environment,
  hostEnvironment,
  type OpenSocket,
  openNodeSocket,
  type Robot,
  type RobotAction,
  type RobotEvent,
} from '@sinew/sdk';
import { MotionAudit } from '../testing/motion-audit.js';

const CAMERA_MS = 60;
const SIZE = 96;
const START = [0, 0, 0.14, 0, 0, 0, 1];
const BOX: { min: Vector3; max: Vector3 } = { min: [-0.3, -0.3, 0.02], max: [0.3, 0.3, 0.4] };
type Vector3 = [number, number, number];
/** What one camera frame, an answer's way back and timers of a busy machine may add to an age, ms. */
const LATENESS_MS = 300;

export interface RobotOptions {
  readonly url: string;
  readonly apiKey: string;
  readonly robotId: string;
  /** `wild` moves all the time; `tabletop-v1` infers in a policy thread. */
  readonly model: 'wild' | 'tabletop-v1';
  readonly pacing?: 'paced' | 'chunked';
  /** Errors of the protocol that the test's fault is answered with. */
  readonly expects?: readonly ErrorCode[];
  readonly staleAfterMs?: number;
  /** How long a frame may be on its way, ms: an action may come that much older. */
  readonly linkMs?: number;
  readonly openSocket?: OpenSocket;
}

export interface RobotReport {
  readonly robotId: string;
  /** Every log that this robot was told of. */
  readonly logIds: readonly number[];
  readonly sessions: readonly SessionSeen[];
  readonly actions: number;
  readonly holds: Readonly<Record<string, number>>;
  readonly localHolds: number;
  readonly oldestMs: number;
  readonly errors: readonly string[];
}

export interface SessionSeen {
  readonly id: string;
  readonly resumed: boolean;
}

interface Body {
  readonly sessionId: string;
  readonly audit: MotionAudit;
  seq: number;
}

/** After so many periods without a command the SDK takes a robot for standing. */
const STOOD_PERIODS = 3;

/**
 * A robot that streams until it is stopped, over whatever happens, through the SDK as a real one does. Two audits watch it:
 * every frame of the server's must continue the motion of the frame before within the limits that `opened` stated, and so
 * must every command that the robot is given to execute, local holds and reconnects included. What is not expected fails.
 */
export class AuditedRobot {
  readonly logIds = new Set<number>();
  readonly sessions: SessionSeen[] = [];
  readonly errors: string[] = [];
  readonly holds: Record<string, number> = {};
  actions = 0;
  localHolds = 0;
  oldestMs = 0;
  #robot: Robot | null = null;
  #camera: NodeJS.Timeout | null = null;
  #done: Promise<void> = Promise.resolve();
  #over: Error | null = null;
  readonly #state = Float64Array.from(START);
  readonly #image = new Uint8Array(SIZE * SIZE * 3);
  #wire: { sessionId: string; audit: MotionAudit } | null = null;
  #body: Body | null = null;
  #lastCommandMs: number | null = null;
  #dropped = 0;
  readonly #clock = steadyClock();

  private constructor(private readonly options: RobotOptions) {}

  static async start(options: RobotOptions): Promise<AuditedRobot> {
    const made = new AuditedRobot(options);
    await made.#begin();
    return made;
  }

  get id(): string {
    return this.options.robotId;
  }

  get sessionId(): string {
    return this.#alive.sessionId;
  }

  get controlHz(): number {
    return this.#alive.controlHz;
  }

  get reconnects(): number {
    return this.#alive.stats.reconnects;
  }

  /** What ended the session for good, if anything did. */
  get over(): Error | null {
    return this.#over;
  }

  estop(): void {
    this.#alive.estop();
  }

  clearEstop(): boolean {
    return this.#alive.clearEstop();
  }

  async stop(): Promise<RobotReport> {
    if (this.#camera !== null) clearInterval(this.#camera);
    await this.#robot?.close();
    await this.#done;
    const { id: robotId, sessions, actions, holds, localHolds, oldestMs, errors } = this;
    return { robotId, logIds: [...this.logIds], sessions, actions, holds, localHolds, oldestMs, errors };
  }

  get #alive(): Robot {
    if (this.#robot === null) throw new Error(`${this.id} never opened`);
    return this.#robot;
  }

  async #begin(): Promise<void> {
    const { url, apiKey, robotId, model, pacing = 'paced', staleAfterMs, openSocket = openNodeSocket } = this.options;
    const environment: Environment = {
      ...hostEnvironment(openSocket),
      now: this.#clock,
      openSocket: this.#tapped(openSocket),
    };
    this.#robot = await connect(
      {
        url,
        apiKey,
        robotId,
        model,
        pacing,
        robotType: 'franka_panda',
        instruction: 'pick up the red cube',
        environment: { environment_type: 'simulation', workspace: BOX },
        ...(staleAfterMs === undefined ? {} : { staleAfterMs }),
        onEvent: (event) => this.#heard(event),
      },
      environment,
    );
    this.#done = this.#execute(this.#robot).catch((error: unknown) => {
      this.#over = error instanceof Error ? error : new Error(String(error));
    });
    // By its own clock: a new session after a lost one has seen nothing yet, and sends nothing to answer to.
    this.#camera = setInterval(() => this.#look(), CAMERA_MS);
    this.#look();
  }

  #look(): void {
    if (this.#over !== null) return;
    const robot = this.#alive;
    this.#image.fill(Math.round(Math.abs(this.#state[0] ?? 0) * 1_000) & 255);
    const images = this.options.model === 'wild' ? {} : { main: { data: this.#image, width: SIZE, height: SIZE } };
    try {
      robot.observe({ images, state: this.#state });
    } catch (error) {
      if (this.#over === null) this.#wrong(`observe: ${error instanceof Error ? error.message : error}`);
    }
  }

  async #execute(robot: Robot): Promise<void> {
    for await (const command of robot.actions()) this.#command(robot, command);
  }

  #command(robot: Robot, command: RobotAction): void {
    const now = this.#clock();
    const silentMs = this.#lastCommandMs === null ? 0 : now - this.#lastCommandMs;
    this.#lastCommandMs = now;
    const { opened } = robot;
    if (this.#body?.sessionId !== opened.session_id) {
      // A new session may begin wherever the robot stands.
      const audit = new MotionAudit(widened(limitsOf(opened.robot)), [...this.#state]);
      this.#body = { sessionId: opened.session_id, audit, seq: -1 };
      this.#dropped = robot.stats.dropped;
    }
    const body = this.#body;
    if (command.local) this.localHolds++;
    if (opened.pacing === 'paced') this.#paced(body, command, silentMs, 1_000 / opened.control_hz);
    else {
      // The newest commands alone are kept for a consumer that is late, as this process is whenever it was not given the processor.
      const missing = command.seq - body.seq - 1;
      const dropped = robot.stats.dropped - this.#dropped;
      if (missing > 0 && dropped > 0 && stalledLately()) {
        this.#dropped += Math.min(missing, dropped);
        body.audit.resync(command.seq, command.values);
      } else this.#audited(`executed, ${dropped} dropped`, () => body.audit.tick(command.seq, command.values));
      body.seq = command.seq;
    }
    if (command.kind === 'hold') this.holds[command.reason ?? ''] = (this.holds[command.reason ?? ''] ?? 0) + 1;
    else {
      this.actions++;
      this.#young(robot, command);
    }
    for (const [i, by] of command.values.entries()) this.#state[i] = i === 6 ? by : (this.#state[i] ?? 0) + by;
  }

  /**
   * A command is one control period, whatever the number of its tick: each follows the one before it within the limits, the server's
   * and those of the robot's own side alike. Only where none came for so long that the robot stood does motion begin anew.
   */
  #paced(body: Body, { kind, local, reason, values }: RobotAction, silentMs: number, periodMs: number): void {
    body.seq++;
    if (kind === 'hold' && local && reason === 'estop') {
      body.audit.stood();
      return;
    }
    if (silentMs > STOOD_PERIODS * periodMs) body.audit.stood();
    this.#audited(`executed, after ${(silentMs / periodMs).toFixed(1)} periods`, () =>
      body.audit.tick(body.seq, values),
    );
  }

  /** An action may be as old as a look may be, and as long as its chunk lasts. */
  #young({ opened }: Robot, { ageMs }: RobotAction): void {
    if (ageMs === null) return;
    this.oldestMs = Math.max(this.oldestMs, ageMs);
    const chunkMs = (opened.model.chunk_size * 1000) / opened.control_hz;
    const allowed = opened.limits.stale_after_ms + chunkMs + (this.options.linkMs ?? 0) + LATENESS_MS;
    if (ageMs > allowed) this.#wrong(`executed an action ${ageMs} ms old, where ${allowed} ms is the most`);
  }

  #heard(event: RobotEvent): void {
    if (event.type === 'session') this.sessions.push({ id: event.sessionId, resumed: event.resumed });
    // A chunked robot runs its own ticks: where it ran ahead of the server's, it is told so and waits for one.
    const ranAhead = event.type === 'error' && event.error.field === 'applied_seq' && this.options.pacing === 'chunked';
    const expected = event.type === 'error' && this.options.expects?.includes(event.error.code) === true;
    if (event.type === 'error' && !ranAhead && !expected)
      this.#wrong(`error ${event.error.code}: ${event.error.message}`);
  }

  /** The server's frames as they arrive, before the SDK has had a look at them. */
  #tapped(inner: OpenSocket): OpenSocket {
    return (url, key, listener) =>
      inner(url, key, {
        ...listener,
        opened: () => listener.opened(),
        closed: (end) => listener.closed(end),
        frame: (bytes) => {
          const decoded = decodeServerFrame(bytes);
          if (decoded.ok) this.#received(decoded.message);
          else this.#wrong(`undecodable: ${decoded.fault.message}`);
          listener.frame(bytes);
        },
      });
  }

  #received(message: ServerMessage): void {
    switch (message.type) {
      case 'opened':
        if (message.resumed && this.#wire?.sessionId === message.session_id) this.#wire.audit.stood();
        else this.#wire = { sessionId: message.session_id, audit: new MotionAudit(limitsOf(message.robot), null) };
        return;
      case 'action':
        this.logIds.add(message.log_id);
        this.#audited('received', () => this.#wire?.audit.tick(message.seq, message.values));
        return;
      case 'hold':
        if (this.options.pacing === 'chunked') return;
        this.#audited('received', () => this.#wire?.audit.tick(message.seq, message.values));
        return;
      case 'chunk':
        this.logIds.add(message.log_id);
        if (!message.values.every(Number.isFinite)) this.#wrong('a chunk that is not finite');
        return;
      default:
        return;
    }
  }

  #audited(what: string, check: () => void): void {
    try {
      check();
    } catch (error) {
      this.#wrong(`${what}: ${error instanceof Error ? error.message : error}`);
    }
  }

  #wrong(what: string): void {
    if (this.errors.length < 20) this.errors.push(`${this.id}: ${what}`);
  }
}

/**
 * Stands still until the event loop turns: the SDK that hands out a command and the audit that looks at it at once read the same time,
 * however long this process waited for the processor in between. Milliseconds since the epoch.
 */
function steadyClock(): () => number {
  const { now } = hostEnvironment(openNodeSocket);
  let read: number | null = null;
  return () => {
    if (read === null) {
      read = now();
      setImmediate(() => {
        read = null;
      });
    }
    return read;
  };
}

const LOOK_EVERY_MS = 10;
/** Two ticks of the fastest robot here. */
const STALL_MS = 15;
const LATELY_MS = 250;
let looked = performance.now();
let stalled = Number.NEGATIVE_INFINITY;
setInterval(() => {
  const now = performance.now();
  if (now - looked > LOOK_EVERY_MS + STALL_MS) stalled = now;
  looked = now;
}, LOOK_EVERY_MS).unref();

/** Whether this process itself has kept its robots waiting: what they dropped then is no fault of the server's. */
const stalledLately = (): boolean => {
  const now = performance.now();
  return now - looked > LOOK_EVERY_MS + STALL_MS || now - stalled < LATELY_MS;
};

/** What a robot does not execute (it holds by itself, or its link lost it) the server learns from the next look only: by then it has gone so far, metres. */
const UNSEEN_M = 0.03;
function widened(limits: LimitsInForce): LimitsInForce {
  const { workspace } = limits;
  if (workspace === null) return limits;
  const [min, max] = [-UNSEEN_M, UNSEEN_M].map((by, i) => (i === 0 ? workspace.min : workspace.max).map((x) => x + by));
  return { ...limits, workspace: { ...workspace, min: min as never, max: max as never } };
}

const limitsOf = (robot: unknown): LimitsInForce => robot as LimitsInForce;
