import { decodeServerFrame, encodeClientMessage, type FreshOpen } from '@sinew/protocol';
import { StreamSocket, type StreamTarget } from '../load/stream-socket.js';
import type { ClientRun } from './client-messages.js';
import { type RequestFrame, requestFrame } from './frames.js';

/** Rates of a robot as slow as `tabletop-v1`: admission counts what a session announces, lockstep goes as fast as it is answered. */
const OPEN: Omit<FreshOpen, 'instruction'> = {
  type: 'open',
  robot_type: 'franka_panda',
  pacing: 'lockstep',
  environment: { environment_type: 'lab', workspace: { min: [-0.5, -0.5, 0], max: [0.5, 0.5, 0.6] } },
  client: { name: 'sinew-bench-peers', version: '1' },
};
const OPEN_MS = 30_000;
/** `{"type": "chunk"`, without the byte before it that counts the fields. */
const CHUNK = Buffer.concat([Buffer.of(0xa4), Buffer.from('type'), Buffer.of(0xa5), Buffer.from('chunk')]);
/** `"hold": …`, the last field of what Sinew answers where no inference moves the robot, behind its key's length. */
const HOLD = Buffer.concat([Buffer.of(0xa4), Buffer.from('hold')]);
/** Where that field lies: no reason is longer. */
const HOLD_WITHIN_BYTES = 24;
/** Of any answer with eight actions of seven values. */
const LEAST_ANSWER_BYTES = 200;

/** One client: it asks, and is told when the answer has come. At most one request is under way. */
export class PeerSocket {
  readonly #run: ClientRun;
  readonly #frame: RequestFrame;
  readonly #answered: (peer: PeerSocket, bytes: Buffer, start: number, end: number) => void;
  readonly #failed: (reason: string) => void;
  #socket: StreamSocket | null = null;
  #opened: (() => void) | null = null;
  #refused: ((error: Error) => void) | null = null;
  #asked = 0;
  busy = false;
  /** When the request that is under way was sent, or was to be sent; ms. */
  sinceMs = 0;
  /** Whether the last answer was a hold: actions, but none of the policy's. */
  held = false;

  private constructor(
    run: ClientRun,
    answered: (peer: PeerSocket, bytes: Buffer, start: number, end: number) => void,
    failed: (reason: string) => void,
  ) {
    this.#run = run;
    this.#frame = requestFrame(run.wire, run.frame);
    this.#answered = answered;
    this.#failed = failed;
  }

  static async open(
    run: ClientRun,
    answered: (peer: PeerSocket, bytes: Buffer, start: number, end: number) => void,
    failed: (reason: string) => void,
  ): Promise<PeerSocket> {
    const peer = new PeerSocket(run, answered, failed);
    let timer: NodeJS.Timeout | undefined;
    const opened = new Promise<void>((resolve, reject) => {
      peer.#opened = resolve;
      peer.#refused = reject;
      timer = setTimeout(() => reject(new Error('the server said nothing')), OPEN_MS);
    });
    peer.#socket = await StreamSocket.connect(peer.#target(), {
      message: (bytes, start, end) => peer.#message(bytes, start, end),
      text: (text) => peer.#fail(text),
      ended: (reason) => peer.#fail(reason),
    });
    if (run.wire === 'native') peer.#socket.send(encodeClientMessage({ ...OPEN, instruction: run.frame.instruction }));
    await opened.finally(() => clearTimeout(timer));
    return peer;
  }

  get bytesAFrame(): number {
    return this.#frame.bytes.length;
  }

  ask(sinceMs: number): void {
    this.busy = true;
    this.sinceMs = sinceMs;
    this.#frame.stamp(this.#asked++, performance.timeOrigin + performance.now());
    this.#socket?.write(this.#frame.bytes);
  }

  close(): void {
    if (this.#run.wire === 'native') this.#socket?.send(encodeClientMessage({ type: 'close' }));
    this.#socket?.close();
  }

  #target(): StreamTarget {
    const { port, path, key, wire } = this.#run;
    const subprotocol = wire === 'native' ? {} : { subprotocol: null };
    return { host: '127.0.0.1', port, path, key, ...subprotocol };
  }

  #message(bytes: Buffer, start: number, end: number): void {
    if (this.#opened !== null) return this.#greeted(bytes, start, end);
    if (this.#run.wire === 'native' && CHUNK.compare(bytes, start + 1, start + 1 + CHUNK.length) !== 0)
      return this.#other(bytes, start, end);
    if (end - start < LEAST_ANSWER_BYTES) return this.#fail(`an answer of ${end - start} bytes`);
    this.busy = false;
    this.held = this.#run.wire === 'openpi' && bytes.subarray(end - HOLD_WITHIN_BYTES, end).includes(HOLD);
    this.#answered(this, bytes, start, end);
  }

  /** The first frame: `opened`, or the metadata of an openpi server. */
  #greeted(bytes: Buffer, start: number, end: number): void {
    if (this.#run.wire === 'native') {
      const decoded = decodeServerFrame(bytes.subarray(start, end));
      if (!decoded.ok) return this.#fail(decoded.fault.message);
      if (decoded.message.type !== 'opened') return this.#fail(JSON.stringify(decoded.message));
    }
    this.#opened?.();
    this.#opened = null;
    this.#refused = null;
  }

  #fail(reason: string): void {
    if (this.#refused === null) this.#failed(reason);
    else this.#refused(new Error(reason));
  }

  /** Rare: notices are no answers, and everything else is no answer that counts. */
  #other(bytes: Buffer, start: number, end: number): void {
    const decoded = decodeServerFrame(bytes.subarray(start, end));
    if (decoded.ok && decoded.message.type === 'notice') return;
    this.#fail(decoded.ok ? JSON.stringify(decoded.message) : decoded.fault.message);
  }
}
