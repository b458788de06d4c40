import { type ClientMessage, decodeClientFrame, decodeServerFrame, type ServerMessage } from '@sinew/protocol';
import { JournalReplay } from '@sinew/replay';
import { EventQueue } from './event-queue.js';
import { GatewayHost, textOf } from './gateway-host.js';
import { JournalCheck } from './journal-check.js';
import { type Mutation, mutated } from './mutations.js';
import { PolicyCheck } from './policy-check.js';
import { Random } from './random.js';
import { RobotCheck } from './robot-check.js';
import { RuleBook } from './rules.js';
import { type Blow, hashOf, type Scenario, scenarioOf } from './scenario.js';
import { SessionCheck } from './session-check.js';
import { Trace } from './trace.js';
import { type DiskWeather, VirtualDisk } from './virtual-disk.js';
import { VirtualNetwork, type VirtualSocket } from './virtual-network.js';
import type { PolicyWeather } from './virtual-policy.js';
import { drained, enter, leave, type ProcessWorld } from './virtual-process.js';
import { VirtualRobot } from './virtual-robot.js';

export interface WorldOptions {
  readonly seed: number;
  /** No more events than this. */
  readonly steps?: number;
  /** How many lines of the trace are kept. */
  readonly traceLines?: number;
  /** Breaks the product on purpose. */
  readonly mutation?: Mutation;
}

export interface Outcome {
  readonly seed: number;
  readonly events: number;
  readonly virtualMs: number;
  /** Of all that happened: the same for the same seed. */
  readonly hash: string;
  /** What broke a rule, or null. */
  readonly violation: { readonly rule: string; readonly message: string; readonly atMs: number } | null;
  readonly faults: Readonly<Record<string, number>>;
  readonly checked: Readonly<Record<string, number>>;
  readonly trace: readonly string[];
}

/** Where every world's calendar begins. */
const EPOCH_MS = Date.UTC(2026, 10, 21, 12);
/** Timers come late by up to so much. */
const LATE_MS = 1;
/** Without faults all robots must be at rest or moving as they are told within this time; then the gateway is stopped. */
const CALM_MS = 700;
/** Nothing has happened for so long: the seed does not end. */
const LONGEST_MS = 120_000;

/** A gateway with its disk and its policy, its robots, and one seed's time. */
export class World implements ProcessWorld {
  readonly #options: WorldOptions;
  readonly #random: Random;
  readonly #book = new RuleBook();
  readonly #trace: Trace;
  readonly #faults: Record<string, number> = {};
  readonly #queue = new EventQueue();
  readonly #scenario: Scenario;
  readonly #disk: VirtualDisk;
  readonly #fairDisk: DiskWeather;
  readonly #fairPolicy: PolicyWeather;
  readonly #network: VirtualNetwork;
  readonly #journal: JournalCheck;
  readonly #host: GatewayHost;
  readonly #robots: VirtualRobot[] = [];
  readonly #robotChecks: RobotCheck[] = [];
  #policy: PolicyCheck;
  readonly #sessions = new Map<string, SessionCheck>();
  readonly #sessionOf = new Map<VirtualSocket, SessionCheck>();
  readonly #lastOpen = new Map<VirtualSocket, ClientMessage>();
  #nowMs = 0;
  #wallOffsetMs = 0;
  #frozenUntilMs = 0;
  #thawedMs = Number.NEGATIVE_INFINITY;
  #events = 0;
  #done = false;

  constructor(options: WorldOptions) {
    const { mutation, seed, traceLines = 0 } = options;
    this.#options = options;
    this.#random = new Random(seed);
    this.#trace = new Trace(traceLines);
    this.#scenario = scenarioOf(this.#random.fork());
    const nowMs = (): number => this.#nowMs;
    const fault = (kind: string): void => this.#fault(kind);
    this.#journal = new JournalCheck(this.#book, nowMs, fault);
    this.#policy = this.#newPolicyCheck();
    this.#disk = new VirtualDisk({
      random: this.#random.fork(),
      nowMs,
      wallMs: () => this.wallMs(),
      later: (ms, label, done) => this.#host.inLife(this.#nowMs + ms, label, done),
      watch: this.#journal,
    });
    Object.assign(this.#disk.weather, this.#scenario.disk);
    this.#fairDisk = { ...this.#disk.weather };
    this.#fairPolicy = { ...this.#scenario.policy };
    this.#network = new VirtualNetwork({
      random: this.#random.fork(),
      nowMs,
      inGateway: (atMs, label, run) => this.#host.inLife(atMs, label, run),
      outside: (atMs, label, run) => void this.#queue.push(atMs, null, label, run),
      sent: (socket, frame) =>
        this.#sent(socket, mutation === undefined ? frame : mutated(mutation, frame, this.#nowMs)),
      handling: (socket, frame, handle) => this.#handling(socket, frame, handle),
      ended: ({ client }, code) => this.#trace.note(this.#nowMs, () => `${client.name} is closed with ${code}`, code),
      fault: (message) => this.#book.broken('S8', message),
    });
    this.#host = new GatewayHost({
      book: this.#book,
      random: this.#random.fork(),
      queue: this.#queue,
      scenario: this.#scenario,
      disk: this.#disk,
      network: this.#network,
      journalCheck: this.#journal,
      mutation,
      nowMs,
      wallMs: () => this.wallMs(),
      thawedMs: () => this.#thawedMs,
      fault,
      say: (text) => this.#trace.note(this.#nowMs, text),
      policyRuns: (inputs) => {
        this.#trace.note(this.#nowMs, () => `policy begins a batch of ${inputs.length}`, inputs.length);
        this.#policy.running(inputs);
      },
      policyEnded: (inputs, how) => this.#policy.ended(inputs, how),
      ended: () => this.#gatewayEnded(),
    });
  }

  // ---- what the process sees -------------------------------------------------------------------------------------

  get root(): string {
    return this.#disk.root;
  }

  get files() {
    return this.#disk.files;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  wallMs(): number {
    return Math.floor(EPOCH_MS + this.#nowMs + this.#wallOffsetMs);
  }

  procStat(): string {
    return `${process.pid} (node) S ${'0 '.repeat(18)}${this.#host.lives} 0`;
  }

  timer(task: () => void, ms: number, every: boolean): () => void {
    const { life } = this.#host;
    const wait = Math.max(1, Math.floor(ms) || 1);
    let cancel = (): void => {};
    const arm = (): void => {
      const atMs = this.#nowMs + wait + LATE_MS * this.#random.unit() ** 3;
      const event = this.#queue.push(atMs, life, every ? 'interval' : 'timer', () => {
        if (every) arm();
        task();
      });
      cancel = () => {
        event.cancelled = true;
      };
    };
    arm();
    return () => cancel();
  }

  immediate(task: () => void): () => void {
    const event = this.#queue.push(this.#nowMs, this.#host.life, 'immediate', task);
    return () => {
      event.cancelled = true;
    };
  }

  // ---- the run ---------------------------------------------------------------------------------------------------

  async run(): Promise<Outcome> {
    const crashed = (error: unknown): void => this.#book.broken('fault', textOf(error));
    enter(this);
    process.on('uncaughtException', crashed);
    process.on('unhandledRejection', crashed);
    try {
      this.#begin();
      await this.#loop();
    } catch (error) {
      crashed(error);
    } finally {
      await drained();
      process.off('uncaughtException', crashed);
      process.off('unhandledRejection', crashed);
      leave();
    }
    const { checked, violation } = this.#book;
    return {
      seed: this.#options.seed,
      events: this.#events,
      virtualMs: this.#nowMs,
      hash: this.#trace.hash,
      violation: violation === null ? null : { rule: violation.rule, message: violation.message, atMs: this.#nowMs },
      faults: this.#faults,
      checked,
      trace: this.#trace.lines,
    };
  }

  async #loop(): Promise<void> {
    const most = this.#options.steps ?? Number.POSITIVE_INFINITY;
    while (!this.#done && this.#book.violation === null && this.#events < most) {
      const event = this.#queue.pop();
      if (event === null || event.atMs > LONGEST_MS) throw new Error('the seed does not come to its end');
      if (event.life !== null && event.atMs < this.#frozenUntilMs) {
        this.#queue.again(event, this.#frozenUntilMs);
        continue;
      }
      this.#events++;
      this.#nowMs = Math.max(this.#nowMs, event.atMs);
      this.#trace.note(this.#nowMs, () => event.label, event.order);
      event.run();
      // What the event resolved runs on before anything else happens.
      await drained();
      this.#afterEvent();
    }
  }

  #begin(): void {
    for (const character of this.#scenario.robots) {
      const robot: VirtualRobot = new VirtualRobot(character, {
        random: this.#random.fork(),
        nowMs: () => this.#nowMs,
        later: (ms, label, run) => void this.#queue.push(this.#nowMs + ms, null, `${robot.name} ${label}`, run),
        connect: (key, line, client) => this.#network.connect(key, line, client),
        received: (_, message) => this.#robotChecks[character.index]?.received(message),
        undecodable: (_, reason) => this.#book.broken('W1', `${robot.name} receives what it cannot decode: ${reason}`),
        did: (_, what) => {
          this.#fault(`robot: ${what}`);
        },
      });
      this.#robots.push(robot);
      this.#robotChecks.push(new RobotCheck(robot, this.#book));
      this.#queue.push(this.#random.between(5, 150), null, `${robot.name} begins`, () => robot.begin());
    }
    for (const blow of this.#scenario.blows) this.#queue.push(blow.atMs, null, blow.what, () => this.#strike(blow));
    this.#queue.push(this.#scenario.lengthMs, null, 'calm', () => this.#calm());
    void this.#host.boot();
  }

  #strike(blow: Blow): void {
    this.#fault(`blow: ${blow.what}`);
    switch (blow.what) {
      case 'freeze':
        if (this.#host.life === null) return;
        this.#frozenUntilMs = Math.max(this.#frozenUntilMs, this.#nowMs + blow.forMs);
        this.#thawedMs = this.#frozenUntilMs;
        return;
      case 'kill':
        return this.#host.kill('killed');
      case 'power cut':
        return this.#host.kill('power_cut');
      case 'drain':
        return this.#host.drain(false);
      case 'wall clock jumps':
        this.#wallOffsetMs += blow.byMs;
        return;
      case 'disk changes':
        return this.#change(this.#disk.weather, this.#fairDisk, blow.weather, blow.forMs);
      case 'policy changes':
        return this.#change(this.#scenario.policy, this.#fairPolicy, blow.weather, blow.forMs);
      case 'database away':
        this.#scenario.database.awayUntilMs = this.#nowMs + blow.forMs;
        return;
      case 'key revoked': {
        const row = this.#scenario.keys.get(hashOf(blow.key));
        if (row !== undefined)
          this.#scenario.keys.set(hashOf(blow.key), { ...row, revoked_at: new Date(this.wallMs()) });
      }
    }
  }

  #change<T extends object>(weather: T, fair: T, worse: Partial<T>, forMs: number): void {
    Object.assign(weather, worse);
    this.#queue.push(this.#nowMs + forMs, null, 'better', () => {
      for (const name of Object.keys(worse) as (keyof T)[]) weather[name] = fair[name];
    });
  }

  /** Nothing more goes wrong: everything must find its way back, and then end in order. */
  #calm(): void {
    Object.assign(this.#disk.weather, this.#fairDisk);
    Object.assign(this.#scenario.policy, this.#fairPolicy);
    this.#scenario.database.awayUntilMs = 0;
    for (const robot of this.#robots) robot.calm();
    this.#queue.push(this.#nowMs + CALM_MS, null, 'stop', () => this.#host.drain(true));
  }

  #fault(kind: string): void {
    this.#faults[kind] = (this.#faults[kind] ?? 0) + 1;
    this.#trace.note(this.#nowMs, () => `--- ${kind}`, kind.length);
  }

  // ---- what is looked at -----------------------------------------------------------------------------------------

  /** A frame as the gateway hands it to the network. */
  #sent(socket: VirtualSocket, frame: Uint8Array): Uint8Array {
    const decoded = decodeServerFrame(frame);
    this.#book.check(
      'W1',
      decoded.ok,
      () => `a frame that cannot be decoded: ${decoded.ok ? '' : decoded.fault.message}`,
    );
    if (!decoded.ok) return frame;
    const { message } = decoded;
    this.#trace.note(this.#nowMs, () => `${socket.client.name} <- ${lineOf(message)}`, frame.length);
    // Ids are drawn anew each time, and nothing depends on them: they are no part of what happened.
    if (message.type !== 'opened') this.#trace.bytes(frame);
    const check = this.#sessionOf.get(socket);
    switch (message.type) {
      case 'opened':
        this.#opened(socket, message);
        break;
      case 'action':
        check?.action(message);
        break;
      case 'hold':
        check?.hold(message);
        break;
      case 'chunk':
        check?.chunk(message);
        break;
      case 'error':
        check?.error(message);
        break;
    }
    this.#book.check('W1', check !== undefined || message.type === 'opened' || message.type === 'error', () => {
      return `${message.type} is the first frame of a socket`;
    });
    return frame;
  }

  #opened(socket: VirtualSocket, message: Extract<ServerMessage, { type: 'opened' }>): void {
    const { gateway, journal } = this.#host.life ?? {};
    const open = this.#lastOpen.get(socket);
    const session = gateway?.sessions.get(message.session_id);
    let check = this.#sessions.get(message.session_id);
    if (message.resumed) {
      const token = open?.type === 'open' ? open.resume?.token : undefined;
      this.#book.check(
        'S7',
        check !== undefined && token === check.token,
        () => 'a session was resumed with a wrong token',
      );
    } else {
      this.#book.check('J4', journal?.pressure().level !== 'full', () => 'a session opens while the journal is full');
      if (check !== undefined) this.#book.broken('S7', 'a session is opened twice');
    }
    if (check === undefined && session !== undefined) {
      const { principal, robotId } = session.profile;
      const robot = `${principal.customerId}\n${robotId}`;
      const another = [...this.#sessions.values()].find(
        (other) => other.robot === robot && other.session.state.kind !== 'closed',
      );
      this.#book.check('S11', another === undefined, () => `${robotId} has two sessions`);
      check = new SessionCheck(session, message, this.#journal.latched, this.#book, this.#journal, {
        nowMs: () => this.#nowMs,
        thawedMs: () => this.#thawedMs,
      });
      this.#sessions.set(message.session_id, check);
    }
    if (check === undefined) return;
    check.opened(message);
    this.#sessionOf.set(socket, check);
  }

  /** A frame of a client, around what the gateway does with it. */
  #handling(socket: VirtualSocket, frame: Uint8Array, handle: () => void): void {
    const decoded = decodeClientFrame(frame.slice());
    const message = decoded.ok ? decoded.message : null;
    this.#trace.note(
      this.#nowMs,
      () => `${socket.client.name} -> ${message === null ? 'a bad frame' : lineOf(message)}`,
      frame.length,
    );
    if (message?.type !== 'open') this.#trace.bytes(frame.subarray(0, 64));
    if (message?.type === 'open' && !this.#sessionOf.has(socket)) this.#lastOpen.set(socket, message);
    const check = this.#sessionOf.get(socket);
    const before = check === undefined ? null : { ...check.session.counters };
    check?.handling(message);
    handle();
    if (check === undefined || before === null) return;
    if (message === null) return check.handled(null, false);
    const { counters } = check.session;
    const heard = counters.frames_limited === before.frames_limited;
    const accepted = counters.observations > before.observations && counters.rejected === before.rejected;
    check.handled(heard || message.type === 'estop' ? message : null, accepted);
  }

  #afterEvent(): void {
    const running =
      this.#host.life?.gateway != null && this.#nowMs >= this.#frozenUntilMs && this.#nowMs > this.#thawedMs + 2;
    for (const [id, check] of this.#sessions) {
      check.afterEvent(running);
      if (check.session.state.kind === 'closed') this.#sessions.delete(id);
    }
    if (this.#host.stopped) this.#finish();
  }

  #gatewayEnded(): void {
    this.#frozenUntilMs = 0;
    this.#sessions.clear();
    this.#sessionOf.clear();
    this.#lastOpen.clear();
    this.#policy = this.#newPolicyCheck();
  }

  #newPolicyCheck(): PolicyCheck {
    return new PolicyCheck(this.#book, (id) => this.#sessions.get(id), this.#robots);
  }

  /** K10: from the journal alone every tick comes out again. */
  #finish(): void {
    this.#done = true;
    if (this.#journal.damaged) return;
    const replay = new JournalReplay({ session: null, other: {} });
    for (const record of this.#host.records) replay.add(record);
    for (const { differing, first, incomplete, robot_id, ticks } of replay.reports) {
      this.#book.check('K10', differing === 0 && incomplete === null, () => {
        return `${robot_id}: ${differing} of ${ticks} ticks differ, ${incomplete ?? ''} ${JSON.stringify(first)}`;
      });
    }
  }
}

function lineOf(message: ServerMessage | ClientMessage): string {
  const { type } = message;
  const shown = Object.entries(message)
    .filter(([name]) => SHOWN.has(name))
    .map(([name, value]) => ` ${name}=${typeof value === 'object' ? JSON.stringify(value) : value}`);
  return `${type}${shown.join('')}`;
}

const SHOWN = new Set([
  'seq',
  'observation_seq',
  'applied_seq',
  'reason',
  'code',
  'message',
  'epoch',
  'resumed',
  'estopped',
  'first_tick',
  'log_id',
  'instruction',
  'pacing',
  'control_hz',
]);
