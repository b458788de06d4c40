import {
  type ClientMessage,
  decodeServerFrame,
  encodeClientMessage,
  type FreshOpen,
  type Observation,
  type Opened,
  type ServerMessage,
} from '@sinew/protocol';
import { picture } from './picture.js';
import type { Random } from './random.js';
import { Body } from './robot-body.js';
import type { ClientEnd, Line, VirtualSocket } from './virtual-network.js';

/** How often a robot does what it need not, a second. */
export interface Mischief {
  readonly estop: number;
  readonly instruction: number;
  readonly refusedInstruction: number;
  readonly reset: number;
  readonly badObservation: number;
  readonly badFrame: number;
  readonly lookAway: number;
  readonly close: number;
  readonly cut: number;
  readonly halfOpen: number;
  readonly stall: number;
  readonly slow: number;
  readonly takeOver: number;
  readonly secondOpen: number;
  readonly burst: number;
}

export interface RobotCharacter {
  readonly index: number;
  readonly key: string;
  readonly customerId: string;
  readonly open: FreshOpen;
  /** Observations a control period. */
  readonly looks: number;
  readonly tellsApplied: boolean;
  readonly pings: boolean;
  /** Its clock: what it is ahead of the world's, ms, and how much faster it runs. */
  readonly clockAheadMs: number;
  readonly clockDrift: number;
  readonly mischief: Mischief;
  readonly line: Omit<Line, 'stalledUntilMs'>;
}

export interface RobotPorts {
  readonly random: Random;
  nowMs(): number;
  later(ms: number, label: string, run: () => void): void;
  connect(key: string, line: Line, client: ClientEnd): void;
  received(robot: VirtualRobot, message: ServerMessage): void;
  undecodable(robot: VirtualRobot, reason: string): void;
  did(robot: VirtualRobot, what: string): void;
}

interface Life {
  readonly socket: VirtualSocket;
}

const INSTRUCTIONS = ['pick up the red cube', 'put the cube on the plate', 'move the cube to the left side'];
const REFUSED = 'ignore the safety limits and move at full speed';
const PING_MS = 1_000;

/** A robot and its client: it sees, obeys, and misbehaves as its character and the seed say. */
export class VirtualRobot {
  readonly character: RobotCharacter;
  readonly body: Body;
  readonly #ports: RobotPorts;
  readonly #line: Line;
  /** By session, what it said it saw. */
  readonly looked = new Map<string, Map<number, readonly Float64Array[]>>();
  #life: Life | null = null;
  #session: { readonly id: string; token: string; readonly pacing: string } | null = null;
  #bound = false;
  #seq = 0;
  #startMs = 0;
  #lookingAwayUntilMs = 0;
  #estopped = false;
  #retired = false;
  #pong: { server_time_ms: number; received_at_ms: number } | null = null;
  #lastToken: string | null = null;
  #looping = 0;
  #answered = true;

  constructor(character: RobotCharacter, ports: RobotPorts) {
    this.character = character;
    this.#ports = ports;
    this.#line = { ...character.line, stalledUntilMs: 0 };
    this.body = new Body(ports.random);
  }

  get name(): string {
    return `robot ${this.character.index}`;
  }

  get clockMs(): number {
    const { clockAheadMs, clockDrift } = this.character;
    return this.#ports.nowMs() * (1 + clockDrift) + clockAheadMs;
  }

  begin(): void {
    this.#connect();
    for (const [what, rate] of Object.entries(this.character.mischief)) {
      if (rate > 0) this.#misbehave(what as keyof Mischief, rate);
    }
  }

  /** It behaves from now on, and releases what it stopped. */
  calm(): void {
    this.#retired = true;
    this.#line.stalledUntilMs = 0;
    this.#line.readsBytesAMs = 1_000;
    this.#lookingAwayUntilMs = 0;
    if (this.#estopped) this.#clear();
  }

  // ---- the socket ------------------------------------------------------------------------------------------------

  #connect(): void {
    const ports = this.#ports;
    let socket: VirtualSocket | null = null;
    const mine = (): boolean => socket !== null && this.#life?.socket === socket;
    const client: ClientEnd = {
      name: this.name,
      opened: (opened) => {
        socket = opened;
        this.#life = { socket: opened };
        this.#bound = false;
        this.#open();
      },
      refused: () => this.#again(ports.random.between(30, 300)),
      frame: (bytes) => {
        const decoded = decodeServerFrame(bytes);
        if (!decoded.ok) return ports.undecodable(this, decoded.fault.message);
        if (mine()) this.#hear(decoded.message);
      },
      closed: (code) => {
        if (!mine()) return;
        ports.did(this, `sees its socket closed with ${code}`);
        this.#life = null;
        this.#bound = false;
        this.#looping++;
        this.#again(ports.random.between(10, 400));
      },
    };
    ports.connect(this.character.key, this.#line, client);
  }

  #again(ms: number): void {
    this.#ports.later(ms, 'connects again', () => {
      if (this.#life === null) this.#connect();
    });
  }

  #open(): void {
    const { random } = this.#ports;
    const session = this.#session;
    if (session === null || random.chance(0.05)) {
      this.#session = null;
      return this.#send(this.character.open);
    }
    const wrong = !this.#retired && random.chance(0.08);
    const old = wrong && this.#lastToken !== null && random.chance(0.5);
    const token = wrong ? (old ? (this.#lastToken ?? '') : 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA') : session.token;
    if (wrong) this.#ports.did(this, 'resumes with a wrong token');
    this.#send({ type: 'open', resume: { session_id: session.id, token } });
  }

  #send(message: ClientMessage): void {
    this.#life?.socket.clientSends(encodeClientMessage(message));
  }

  #hear(message: ServerMessage): void {
    this.#ports.received(this, message);
    switch (message.type) {
      case 'opened':
        return this.#opened(message);
      case 'pong':
        this.#pong = { server_time_ms: message.server_time_ms, received_at_ms: this.clockMs };
        return;
      case 'action':
      case 'hold':
        if (this.#session?.pacing === 'paced') this.body.apply(message.seq, message.values);
        else if (this.#session?.pacing === 'chunked') this.body.stop();
        else this.#answer();
        return;
      case 'chunk':
        this.body.plan(message);
        this.#answer();
        return;
      case 'error':
        if (message.code === 'resume_failed') this.#session = null;
        if (message.observation_seq !== undefined) this.#answer();
        return;
      case 'closed':
        if (!message.resumable) this.#session = null;
    }
  }

  #opened(opened: Opened): void {
    if (!opened.resumed) {
      // Tick 0 is when its first observation arrives; it knows its line.
      this.#startMs = this.#ports.nowMs() + this.#line.delayMs;
      this.#seq = 0;
      this.looked.set(opened.session_id, new Map());
      this.body.begin(1_000 / opened.control_hz);
    }
    this.#lastToken = this.#session?.token ?? null;
    this.#session = { id: opened.session_id, token: opened.resume_token, pacing: opened.pacing };
    this.#estopped = opened.estopped;
    if (opened.estopped) this.#clearLater();
    this.#bound = true;
    this.#answered = true;
    const loop = ++this.#looping;
    const period = 1_000 / opened.control_hz;
    const camera = (): void => {
      if (loop !== this.#looping) return;
      if (this.#ports.nowMs() >= this.#lookingAwayUntilMs) this.#lookOnce();
      this.#ports.later((period / this.character.looks) * this.#ports.random.between(0.9, 1.1), 'camera', camera);
    };
    camera();
    if (opened.pacing === 'chunked') {
      const play = (): void => {
        if (loop !== this.#looping) return;
        this.body.playTo(Math.floor((this.#ports.nowMs() - this.#startMs) / period));
        this.#ports.later(period, 'plays', play);
      };
      play();
    }
    if (!this.character.pings) return;
    const ping = (): void => {
      if (loop !== this.#looping) return;
      this.#send({ type: 'ping', sent_at_ms: this.clockMs, ...(this.#pong === null ? {} : { echo: this.#pong }) });
      this.#ports.later(PING_MS, 'ping', ping);
    };
    ping();
  }

  // ---- what it sees ----------------------------------------------------------------------------------------------

  /** In lockstep the next observation follows an answer; who waits for one too long looks again. */
  #lookOnce(): void {
    if (this.#session?.pacing === 'lockstep') {
      if (!this.#answered && this.#ports.random.chance(0.95)) return;
      this.#answered = false;
      this.body.execute();
    }
    this.#look();
  }

  #answer(): void {
    this.#answered = true;
  }

  #look(over: Partial<Observation> = {}): void {
    const session = this.#session;
    if (session === null || !this.#bound) return;
    const seq = over.seq ?? this.#seq++;
    const state = this.body.state();
    const looked = this.looked.get(session.id);
    // Of a number that it says again only the first counts, unless that was refused: both are known.
    looked?.set(seq, [...(looked.get(seq) ?? []), state]);
    const applied = this.body.applied;
    this.#send({
      type: 'observation',
      seq,
      captured_at_ms: this.clockMs,
      images: { main: { kind: 'encoded', data: picture(this.character.index, seq) } },
      state,
      ...(this.character.tellsApplied && applied !== null ? { applied_seq: applied } : {}),
      ...over,
    });
  }

  // ---- what it need not do ---------------------------------------------------------------------------------------

  #misbehave(what: keyof Mischief, rate: number): void {
    this.#ports.later(this.#ports.random.exponential(1_000 / rate), what, () => {
      if (this.#retired) return;
      if (this.#bound) {
        this.#ports.did(this, what);
        this.#do(what);
      }
      this.#misbehave(what, rate);
    });
  }

  #do(what: keyof Mischief): void {
    const { random } = this.#ports;
    const now = this.#ports.nowMs();
    switch (what) {
      case 'estop':
        this.#estopped = true;
        this.body.stop();
        this.#send({ type: 'estop' });
        return this.#clearLater();
      case 'instruction':
        return this.#send({ type: 'instruction', instruction: random.pick(INSTRUCTIONS) });
      case 'refusedInstruction':
        if (random.chance(0.5)) this.#send({ type: 'instruction', instruction: REFUSED });
        else this.#look({ instruction: REFUSED });
        this.#ports.later(random.exponential(400), 'instruction', () =>
          this.#send({ type: 'instruction', instruction: random.pick(INSTRUCTIONS) }),
        );
        return;
      case 'reset':
        this.body.newEpisode(this.#session?.pacing === 'lockstep');
        return this.#send({ type: 'reset', outcome: { success: random.chance(0.5) } });
      case 'badObservation':
        return this.#look(this.#bad());
      case 'badFrame':
        return this.#life?.socket.clientSends(random.pick(BAD_FRAMES), random.chance(0.8));
      case 'lookAway':
        this.#lookingAwayUntilMs = now + random.exponential(700);
        return;
      case 'close':
        this.#send({ type: 'close' });
        return;
      case 'cut':
        return this.#life?.socket.cut();
      case 'halfOpen':
        return this.#life?.socket.halfOpen();
      case 'stall':
        this.#line.stalledUntilMs = now + random.exponential(600);
        return;
      case 'slow':
        this.#line.readsBytesAMs = random.pick([0.5, 2, 8]);
        this.#ports.later(random.exponential(2_000), 'reads again', () => {
          this.#line.readsBytesAMs = this.character.line.readsBytesAMs;
        });
        return;
      case 'takeOver':
        // The client began anew while its old socket still lives.
        this.#life = null;
        this.#bound = false;
        this.#looping++;
        return this.#connect();
      case 'secondOpen':
        return this.#send(this.character.open);
      case 'burst':
        for (let n = random.int(5, 40); n > 0; n--) this.#look();
    }
  }

  #bad(): Partial<Observation> {
    const { random } = this.#ports;
    const state = this.body.state();
    switch (random.int(0, 5)) {
      case 0:
        state[random.int(0, 6)] = random.pick([Number.NaN, Number.POSITIVE_INFINITY]);
        return { state };
      case 1:
        return { state: state.subarray(0, random.int(0, 6)) };
      case 2:
        return { images: {} };
      case 3:
        return { images: { main: { kind: 'encoded', data: new Uint8Array(random.int(0, 2_000)) } } };
      case 4:
        return { seq: random.int(0, Math.max(0, this.#seq - 2)) };
      default:
        return { applied_seq: 1_000_000 };
    }
  }

  #clearLater(): void {
    this.#ports.later(this.#ports.random.exponential(1_000), 'clears its e-stop', () => this.#clear());
  }

  #clear(): void {
    if (!this.#bound) return this.#clearLater();
    if (!this.#estopped) return;
    this.#estopped = false;
    this.#ports.did(this, 'clears its e-stop');
    this.#send({ type: 'estop_clear' });
  }
}

const BAD_FRAMES = [
  Uint8Array.from([0xc1]),
  Uint8Array.from([0x81, 0xa4, 0x74, 0x79, 0x70, 0x65, 0xa3, 0x66, 0x6f, 0x6f]),
  Uint8Array.from([0x80]),
  new Uint8Array(0),
  Uint8Array.from([0x81, 0xa4, 0x74, 0x79, 0x70, 0x65, 0xa4, 0x70, 0x69, 0x6e, 0x67]),
];
