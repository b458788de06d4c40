import { setTimeout as sleep } from 'node:timers/promises';
import { decodeServerFrame, encodeClientMessage, type FreshOpen, type Open, type Opened } from '@sinew/protocol';
import { BenchError } from '../command.js';
import { Latencies } from '../stats/latencies.js';
import { FleetRecord, type Lap } from './fleet-record.js';
import type { Network } from './network.js';
import type { ObservationFrame } from './observation-frame.js';
import { SendSchedule } from './send-schedule.js';
import { StreamSocket, type StreamTarget } from './stream-socket.js';
import { TickLedger } from './tick-ledger.js';
import { TickReader } from './tick-reader.js';

/** The first action of a chunk: what its inference cost, and which received tick of the robot carried it. */
interface FirstAction {
  readonly logId: number;
  readonly totalMs: number;
  readonly ledger: TickLedger;
  readonly tick: number;
}

interface Robot {
  socket: StreamSocket | null;
  lastTick: number;
  lastLogId: number;
  /** Where it stands in the order in which robots join. */
  readonly rank: number;
  readonly sizeClass: number;
  session: { readonly session_id: string; readonly token: string } | null;
  /** When the bench cut its socket; null once an action has come again. */
  cutMs: number | null;
  /** A new one after each cut: what a socket that is not there does not bring is no missed tick. */
  ledger: TickLedger;
  readonly earlier: TickLedger[];
  readonly firsts: FirstAction[];
}

export interface FleetOptions {
  readonly robots: number;
  /** Control rate, and rate of the observations. */
  readonly hz: number;
  readonly obsHz: number;
  /** The robots begin one after the other over this time: a fleet does not wake in one millisecond, nor a server warm. */
  readonly rampMs: number;
  readonly open: FreshOpen;
  readonly target: StreamTarget;
  /** Which of the frames each robot sends; not given: all the first. */
  readonly sizeClasses?: readonly number[];
  /** Null: the loopback as it is. */
  readonly network?: Network | null;
  /** False for runs of hours: then of each tick nothing is kept, and no first actions. */
  readonly keepsTicks?: boolean;
}

export interface Frames {
  /** Before and after the robot has received its first tick. */
  readonly first: () => ObservationFrame;
  readonly following: () => ObservationFrame;
}

const CONCURRENT_OPENS = 32;
const OPEN_MS = 30_000;
const TRY_AGAIN_MS = 500;

export const now = (): number => performance.timeOrigin + performance.now();

/** Many robots on one thread. */
export class Fleet {
  readonly record = new FleetRecord();
  readonly #options: FleetOptions;
  readonly #robots: Robot[];
  readonly #reader = new TickReader();
  #schedule: SendSchedule | null = null;
  #timer: NodeJS.Timeout | null = null;
  #measuring = false;
  #closing = false;
  /** How many of the robots drive, by rank. */
  #active: number;
  readonly #lapAge = new Latencies();
  readonly #lapLag = new Latencies();
  #lapMissed = 0;
  #lapReceived = 0;

  constructor(options: FleetOptions) {
    this.#options = options;
    this.#active = options.robots;
    const rankOf = spreadRanks(options.robots);
    this.#robots = Array.from({ length: options.robots }, (_, index) => ({
      socket: null,
      lastTick: -1,
      lastLogId: -1,
      rank: rankOf(index),
      sizeClass: options.sizeClasses?.[index] ?? 0,
      session: null,
      cutMs: null,
      ledger: new TickLedger(options.hz, options.keepsTicks),
      earlier: [],
      firsts: [],
    }));
  }

  get ledgers(): readonly TickLedger[] {
    return this.#robots.flatMap(({ earlier, ledger }) => [...earlier, ledger]);
  }

  /** Ticks that are due and did not come, of robots that have a socket. */
  overdue(nowMs: number): number {
    return this.#robots.reduce((sum, { ledger, cutMs }) => sum + (cutMs === null ? ledger.overdue(nowMs) : 0), 0);
  }

  /** Robots that drive and have a socket, and heard nothing in the measured window. */
  get silent(): number {
    return this.#robots.filter(
      ({ cutMs, earlier, ledger, rank }) =>
        rank < this.#active && cutMs === null && [...earlier, ledger].every(({ received }) => received === 0),
    ).length;
  }

  /** Robots whose socket was cut and that have had no action since. */
  get withoutAction(): number {
    return this.#robots.filter(({ cutMs }) => cutMs !== null).length;
  }

  firstActions(): readonly FirstAction[] {
    return this.#robots.flatMap(({ firsts }) => firsts);
  }

  /** From now on so many robots drive; the others keep their sessions and are silent. */
  activate(robots: number): void {
    this.#active = robots;
  }

  /** What clients saw since the last lap began, while it was measured; begins the next. */
  lap(): Lap {
    const lap = {
      age: this.#lapAge.summary(),
      sendLag: this.#lapLag.summary(),
      missed: this.#lapMissed,
      received: this.#lapReceived,
    };
    this.#lapAge.clear();
    this.#lapLag.clear();
    this.#lapMissed = 0;
    this.#lapReceived = 0;
    return lap;
  }

  /** Cuts the sockets of so many robots at once; each comes back as soon as it can, with its token. */
  cut(share: number, random: () => number): void {
    const connected = this.#robots
      .map((robot, index) => ({ robot, index }))
      .filter(({ robot }) => robot.socket !== null);
    for (let left = Math.round(share * connected.length); left > 0; left--) {
      const [chosen] = connected.splice(Math.floor(random() * connected.length), 1);
      if (chosen === undefined) return;
      const { robot, index } = chosen;
      robot.socket?.close();
      robot.socket = null;
      robot.cutMs ??= now();
      robot.earlier.push(robot.ledger);
      robot.ledger = new TickLedger(this.#options.hz, this.#options.keepsTicks);
      this.record.storm.cut++;
      this.#comeBack(robot, index).catch((error: Error) => this.#count(error.message));
    }
  }

  async #comeBack(robot: Robot, index: number): Promise<void> {
    const { network, open } = this.#options;
    const { storm } = this.record;
    network?.reconnected(index);
    for (let resuming = robot.session !== null; !this.#closing; ) {
      if (network) await sleep(network.setUpMs);
      const message: Open = resuming && robot.session !== null ? { type: 'open', resume: robot.session } : open;
      try {
        const { resumed } = await this.#openOne(robot, index, message);
        if (resumed) storm.resumed++;
        else {
          storm.reopened++;
          robot.lastTick = -1;
        }
        return;
      } catch (error) {
        if (resuming && error instanceof BenchError && error.message.includes('resume_failed')) resuming = false;
        else {
          storm.refused++;
          await sleep(TRY_AGAIN_MS);
        }
      }
    }
  }

  #count(error: string): void {
    this.record.errors[error] = (this.record.errors[error] ?? 0) + 1;
  }

  /** Opens every session, some at a time. @returns what the server says of the first one. */
  async open(): Promise<Opened> {
    let opened: Opened | null = null;
    let next = 0;
    const worker = async (): Promise<void> => {
      for (let index = next++; index < this.#robots.length; index = next++) {
        const answer = await this.#openOne(this.#robots[index] as Robot, index, this.#options.open);
        opened ??= answer;
      }
    };
    await Promise.all(Array.from({ length: CONCURRENT_OPENS }, worker));
    if (opened === null) throw new BenchError('no session was opened');
    return opened;
  }

  /** Sends from now on, at fixed times, until `close`. `classes`: the frames of each size. */
  drive(...classes: readonly Frames[]): void {
    const startMs = now();
    const schedule = new SendSchedule(startMs, this.#robots.length, this.#options.obsHz);
    this.#schedule = schedule;
    const ready = classes.map((frames) => ({ frames, first: frames.first(), following: frames.following() }));
    const write = (socket: StreamSocket, of: number, seq: number, intendedMs: number, lastTick: number): void => {
      const own = ready[of];
      if (own === undefined) return;
      const fresh = lastTick < 0;
      const frame = fresh ? own.first : own.following;
      frame.stamp(seq, intendedMs, lastTick);
      if (socket.write(frame.bytes)) return;
      // The bytes still wait in the socket: the next robot patches a frame of its own.
      this.record.backlogged++;
      if (fresh) own.first = own.frames.first();
      else own.following = own.frames.following();
    };
    const { network, rampMs } = this.#options;
    const send = (index: number, seq: number, intendedMs: number): void => {
      const robot = this.#robots[index];
      if (robot === undefined || robot.socket === null) return;
      if (robot.rank >= Math.min(this.#active, this.#robots.length * ((intendedMs - startMs) / rampMs))) return;
      if (this.#measuring) {
        const lagMs = now() - intendedMs;
        this.record.sent++;
        this.record.sendLag.record(lagMs);
        this.#lapLag.record(lagMs);
      }
      const { socket, lastTick, sizeClass } = robot;
      if (!network) return write(socket, sizeClass, seq, intendedMs, lastTick);
      const bytes = ready[sizeClass]?.following.bytes.length ?? 0;
      network.carry(index, 'out', bytes, () => {
        // What was under way when its socket was cut is lost with it.
        if (robot.socket === socket) write(socket, sizeClass, seq, intendedMs, lastTick);
      });
    };
    const wake = (): void => {
      schedule.advance(now(), send);
      this.#timer = setTimeout(wake, Math.max(0, Math.floor(schedule.nextDueMs() - now())));
    };
    wake();
  }

  measure(on: boolean): void {
    this.#measuring = on;
  }

  close(): void {
    this.#closing = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#options.network?.close();
    for (const robot of this.#robots) {
      robot.socket?.close();
      robot.socket = null;
    }
  }

  #openOne(robot: Robot, index: number, message: Open): Promise<Opened> {
    return new Promise((resolve, reject) => {
      let own: StreamSocket | null = null;
      const fail = (reason: string): void => {
        clearTimeout(timer);
        own?.close();
        reject(new BenchError(`session ${index + 1} of ${this.#robots.length}: ${reason}`));
      };
      const timer = setTimeout(() => fail('no answer to `open`'), OPEN_MS);
      let opening = true;
      const { network, target } = this.#options;
      StreamSocket.connect(target, {
        message: (bytes, start, end) => {
          if (!opening) {
            if (!network) return this.#received(robot, index, bytes, start, end);
            const copy = Buffer.from(bytes.subarray(start, end));
            return network.carry(index, 'in', copy.length, () => {
              if (robot.socket === own) this.#received(robot, index, copy, 0, copy.length);
            });
          }
          const decoded = decodeServerFrame(bytes.subarray(start, end));
          if (!decoded.ok) return fail(decoded.fault.message);
          if (decoded.message.type === 'error') return fail(`${decoded.message.code}: ${decoded.message.message}`);
          if (decoded.message.type !== 'opened') return fail(`the first frame was ${decoded.message.type}`);
          opening = false;
          clearTimeout(timer);
          robot.socket = own;
          robot.session = { session_id: decoded.message.session_id, token: decoded.message.resume_token };
          resolve(decoded.message);
        },
        ended: (reason) => {
          if (opening) return fail(reason);
          // One that the bench cut is nobody's any more.
          if (robot.socket !== own) return;
          robot.socket = null;
          if (!this.#closing) this.record.lost++;
        },
      }).then(
        (socket) => {
          own = socket;
          if (this.#closing) return fail('the bench ended');
          socket.send(encodeClientMessage(message));
        },
        (error: Error) => fail(error.message),
      );
    });
  }

  #received(robot: Robot, index: number, bytes: Buffer, start: number, end: number): void {
    const arrivedMs = now();
    const frame = this.#reader.read(bytes, start);
    if (frame.kind === 'other') return this.#rare(robot, index, bytes, start, end, arrivedMs);
    robot.lastTick = frame.seq;
    const newChunk = frame.kind === 'action' && frame.logId !== robot.lastLogId;
    if (frame.kind === 'action') {
      robot.lastLogId = frame.logId;
      this.#recovered(robot, arrivedMs);
    }
    if (!this.#measuring) return;
    const { record } = this;
    const missedBefore = robot.ledger.missed;
    robot.ledger.add(frame.seq, arrivedMs);
    this.#lapMissed += robot.ledger.missed - missedBefore;
    this.#lapReceived++;
    if (frame.kind === 'hold') {
      record.holds[frame.reason] = (record.holds[frame.reason] ?? 0) + 1;
      return;
    }
    record.actions++;
    this.#aged(index, frame.observationSeq, arrivedMs);
    if (!newChunk) return;
    record.chunk.record(frame.totalMs);
    if (this.#options.keepsTicks === false) return;
    const { ledger } = robot;
    robot.firsts.push({ logId: frame.logId, totalMs: frame.totalMs, ledger, tick: ledger.received - 1 });
  }

  #rare(robot: Robot, index: number, bytes: Buffer, start: number, end: number, arrivedMs: number): void {
    const decoded = decodeServerFrame(bytes.subarray(start, end));
    const { record } = this;
    if (!decoded.ok) this.#count('undecodable');
    else if (decoded.message.type === 'error') this.#count(decoded.message.code);
    else if (decoded.message.type === 'chunk') {
      this.#recovered(robot, arrivedMs);
      if (!this.#measuring) return;
      record.chunks++;
      record.chunk.record(decoded.message.latency.total_ms);
      this.#aged(index, decoded.message.observation_seq, arrivedMs);
    }
  }

  #recovered(robot: Robot, arrivedMs: number): void {
    if (robot.cutMs === null) return;
    this.record.storm.firstAction.record(arrivedMs - robot.cutMs);
    robot.cutMs = null;
  }

  #aged(index: number, observationSeq: number, arrivedMs: number): void {
    if (this.#schedule === null) return;
    const ageMs = arrivedMs - this.#schedule.intendedMs(index, observationSeq);
    this.record.age.record(ageMs);
    this.#lapAge.record(ageMs);
  }
}

/** Neighbours in time are far apart in rank: however many of the robots drive, their sends are spread over the period. */
function spreadRanks(robots: number): (index: number) => number {
  let stride = Math.max(1, Math.round(robots * 0.618));
  while (commonDivisor(stride, robots) !== 1) stride++;
  return (index) => (index * stride) % robots;
}

const commonDivisor = (a: number, b: number): number => (b === 0 ? a : commonDivisor(b, a % b));
