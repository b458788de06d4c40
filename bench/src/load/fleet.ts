import { decodeServerFrame, encodeClientMessage, type FreshOpen, type Opened } from '@sinew/protocol';
import { BenchError } from '../command.js';
import { Latencies } from '../stats/latencies.js';
import type { ObservationFrame } from './observation-frame.js';
import { SendSchedule } from './send-schedule.js';
import { StreamSocket, type StreamTarget } from './stream-socket.js';
import { TickLedger } from './tick-ledger.js';
import { TickReader } from './tick-reader.js';

/** The first action of a chunk: what its inference cost, and which received tick of the robot carried it. */
interface FirstAction {
  readonly logId: number;
  readonly totalMs: number;
  readonly tick: number;
}

interface Robot {
  socket: StreamSocket | null;
  lastTick: number;
  lastLogId: number;
  readonly ledger: TickLedger;
  readonly firsts: FirstAction[];
}

/** What clients saw in the measured window. */
export class FleetRecord {
  /** Intended send of the observation → arrival of the action that came from it. */
  readonly age = new Latencies();
  /** What the wire says of each chunk: receipt → computed. */
  readonly chunk = new Latencies();
  readonly sendLag = new Latencies();
  readonly holds: Record<string, number> = {};
  readonly errors: Record<string, number> = {};
  sent = 0;
  backlogged = 0;
  actions = 0;
  chunks = 0;
  lost = 0;
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
}

export interface Frames {
  /** Before and after the robot has received its first tick. */
  readonly first: () => ObservationFrame;
  readonly following: () => ObservationFrame;
}

const CONCURRENT_OPENS = 32;
const OPEN_MS = 30_000;

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

  constructor(options: FleetOptions) {
    this.#options = options;
    this.#robots = Array.from({ length: options.robots }, () => ({
      socket: null,
      lastTick: -1,
      lastLogId: -1,
      ledger: new TickLedger(options.hz),
      firsts: [],
    }));
  }

  get ledgers(): readonly TickLedger[] {
    return this.#robots.map(({ ledger }) => ledger);
  }

  firstActions(): { readonly first: FirstAction; readonly ledger: TickLedger }[] {
    return this.#robots.flatMap(({ firsts, ledger }) => firsts.map((first) => ({ first, ledger })));
  }

  /** Opens every session, some at a time. @returns what the server says of the first one. */
  async open(): Promise<Opened> {
    let opened: Opened | null = null;
    let next = 0;
    const worker = async (): Promise<void> => {
      for (let index = next++; index < this.#robots.length; index = next++) {
        const answer = await this.#openOne(this.#robots[index] as Robot, index);
        opened ??= answer;
      }
    };
    await Promise.all(Array.from({ length: CONCURRENT_OPENS }, worker));
    if (opened === null) throw new BenchError('no session was opened');
    return opened;
  }

  /** Sends from now on, at fixed times, until `close`. */
  drive(frames: Frames): void {
    const startMs = now();
    const schedule = new SendSchedule(startMs, this.#robots.length, this.#options.obsHz);
    this.#schedule = schedule;
    let first = frames.first();
    let following = frames.following();
    const send = (index: number, seq: number, intendedMs: number): void => {
      const robot = this.#robots[index];
      if (robot === undefined || robot.socket === null) return;
      if (index >= this.#robots.length * ((intendedMs - startMs) / this.#options.rampMs)) return;
      const fresh = robot.lastTick < 0;
      const frame = fresh ? first : following;
      frame.stamp(seq, intendedMs, robot.lastTick);
      if (this.#measuring) {
        this.record.sent++;
        this.record.sendLag.record(now() - intendedMs);
      }
      if (robot.socket.write(frame.bytes)) return;
      // The bytes still wait in the socket: the next robot patches a frame of its own.
      this.record.backlogged++;
      if (fresh) first = frames.first();
      else following = frames.following();
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
    for (const robot of this.#robots) {
      robot.socket?.close();
      robot.socket = null;
    }
  }

  #openOne(robot: Robot, index: number): Promise<Opened> {
    return new Promise((resolve, reject) => {
      const fail = (reason: string): void => {
        clearTimeout(timer);
        reject(new BenchError(`session ${index + 1} of ${this.#robots.length}: ${reason}`));
      };
      const timer = setTimeout(() => fail('no answer to `open`'), OPEN_MS);
      let opening = true;
      StreamSocket.connect(this.#options.target, {
        message: (bytes, start, end) => {
          if (!opening) return this.#received(robot, index, bytes, start, end);
          const decoded = decodeServerFrame(bytes.subarray(start, end));
          if (!decoded.ok) return fail(decoded.fault.message);
          if (decoded.message.type === 'error') return fail(`${decoded.message.code}: ${decoded.message.message}`);
          if (decoded.message.type !== 'opened') return fail(`the first frame was ${decoded.message.type}`);
          opening = false;
          clearTimeout(timer);
          resolve(decoded.message);
        },
        ended: (reason) => {
          robot.socket = null;
          if (opening) return fail(reason);
          if (!this.#closing) this.record.lost++;
        },
      }).then(
        (socket) => {
          robot.socket = socket;
          socket.send(encodeClientMessage(this.#options.open));
        },
        (error: Error) => fail(error.message),
      );
    });
  }

  #received(robot: Robot, index: number, bytes: Buffer, start: number, end: number): void {
    const arrivedMs = now();
    const frame = this.#reader.read(bytes, start);
    if (frame.kind === 'other') return this.#rare(index, bytes, start, end, arrivedMs);
    robot.lastTick = frame.seq;
    const newChunk = frame.kind === 'action' && frame.logId !== robot.lastLogId;
    if (frame.kind === 'action') robot.lastLogId = frame.logId;
    if (!this.#measuring) return;
    const { record } = this;
    robot.ledger.add(frame.seq, arrivedMs);
    if (frame.kind === 'hold') {
      record.holds[frame.reason] = (record.holds[frame.reason] ?? 0) + 1;
      return;
    }
    record.actions++;
    this.#aged(index, frame.observationSeq, arrivedMs);
    if (!newChunk) return;
    record.chunk.record(frame.totalMs);
    robot.firsts.push({ logId: frame.logId, totalMs: frame.totalMs, tick: robot.ledger.received - 1 });
  }

  #rare(index: number, bytes: Buffer, start: number, end: number, arrivedMs: number): void {
    const decoded = decodeServerFrame(bytes.subarray(start, end));
    const { record } = this;
    if (!decoded.ok) record.errors.undecodable = (record.errors.undecodable ?? 0) + 1;
    else if (decoded.message.type === 'error') {
      const { code } = decoded.message;
      record.errors[code] = (record.errors[code] ?? 0) + 1;
    } else if (decoded.message.type === 'chunk' && this.#measuring) {
      record.chunks++;
      record.chunk.record(decoded.message.latency.total_ms);
      this.#aged(index, decoded.message.observation_seq, arrivedMs);
    }
  }

  #aged(index: number, observationSeq: number, arrivedMs: number): void {
    if (this.#schedule !== null) this.record.age.record(arrivedMs - this.#schedule.intendedMs(index, observationSeq));
  }
}
