import type { TickResult } from '@sinew/control';
import type { JournalRecord } from '@sinew/journal';
import type { LogLevel, Moment } from '@sinew/recording';
import { namesOf } from '../session/flag-names.js';
import type { AcceptedObservation } from '../session/observation-box.js';
import type { Session } from '../session/session.js';
import { logLine } from './log-line.js';
import type { SessionTap } from './session-tap.js';

/** Bytes on their way beyond which images are left out, and beyond which everything is. */
export const BACKLOG = { images: 8_388_608, everything: 16_777_216 } as const;
/** What a moment without images takes, roughly. */
const MOMENT_COST = 512;
const TELL_EVERY_MS = 1_000;

export interface LiveRecordingPorts {
  readonly now: () => number;
  readonly images: boolean;
  /** Text as it may be kept. */
  readonly words: (text: string) => string;
  readonly send: (moments: readonly Moment[], cost: number, transfer: readonly ArrayBuffer[]) => void;
  /** The session is closed, and everything of it was sent. */
  readonly finished: () => void;
  readonly failed: (error: unknown) => void;
  readonly dropped: (what: 'images' | 'moments') => void;
}

/**
 * A session's moments on their way to the recorder's thread. Copies what the session goes on using, waits for nobody, and keeps no
 * more than its backlog: where whoever takes the recording is slower than the robot, images are left out first, counted, and said so
 * in the recording.
 */
export class LiveRecording implements SessionTap {
  readonly #session: Session;
  readonly #ports: LiveRecordingPorts;
  #moments: Moment[] = [];
  #transfer: ArrayBuffer[] = [];
  #cost = 0;
  /** Sent, and not yet taken by whoever takes the recording. */
  #underWay = 0;
  #untold = { images: 0, moments: 0 };
  #toldMs = Number.NEGATIVE_INFINITY;
  #ended = false;

  constructor(session: Session, ports: LiveRecordingPorts) {
    this.#session = session;
    this.#ports = ports;
  }

  get backlog(): number {
    return this.#cost + this.#underWay;
  }

  /** So many bytes more are under way to whoever takes the recording, or fewer. */
  underWay(bytes: number): void {
    this.#underWay += bytes;
  }

  observed(observation: AcceptedObservation): void {
    if (this.#full()) return;
    const { capturedMs, images, state } = observation;
    const copied: Extract<Moment, { kind: 'observation' }>['images'][number][] = [];
    if (this.#ports.images) {
      for (const camera in images) {
        const image = images[camera];
        if (image === undefined) continue;
        if (this.backlog + image.data.length > BACKLOG.images) {
          this.#drop('images');
          continue;
        }
        const data = new Uint8Array(image.data);
        this.#transfer.push(data.buffer);
        this.#cost += data.length;
        copied.push(
          image.kind === 'rgb8' ? { camera, data, width: image.width, height: image.height } : { camera, data },
        );
      }
    }
    this.#add({ kind: 'observation', atMs: this.#ports.now(), capturedMs, state: state.slice(), images: copied });
  }

  ticked(n: number, { flags, kind, proposed, reason, ref, score, values }: TickResult): void {
    if (this.#full()) return;
    const atMs = this.#ports.now();
    const { periodMs, profile, startMs } = this.#session;
    this.#add({
      kind: 'tick',
      atMs,
      dueMs: startMs === null || profile.pacing === 'lockstep' ? atMs : startMs + n * periodMs,
      seq: n,
      hold: kind === 'hold' ? (reason ?? 'starved') : null,
      proposed: proposed.slice(),
      sent: values.slice(),
      score,
      flags: namesOf(flags),
      logId: ref,
    });
  }

  recorded(record: JournalRecord): void {
    if (record.kind === 'inference' && !this.#full()) {
      const { inference_ms, log_id: logId, observation_seq: observationSeq, queue_ms, total_ms } = record;
      const atMs = this.#ports.now();
      this.#add({ kind: 'latency', atMs, queue_ms, inference_ms, total_ms, observationSeq, logId });
    }
    const line = logLine(record, this.#ports.words);
    if (line !== null) this.say(line.level, line.text);
  }

  say(level: LogLevel, text: string): void {
    if (!this.#full()) this.#add({ kind: 'log', atMs: this.#ports.now(), level, text });
  }

  /** Hands on what there is. Called often. */
  flush(): void {
    this.#tell();
    if (this.#moments.length === 0) return;
    const [moments, cost, transfer] = [this.#moments, this.#cost, this.#transfer];
    this.#moments = [];
    this.#transfer = [];
    this.#cost = 0;
    this.#underWay += cost;
    this.#ports.send(moments, cost, transfer);
  }

  ended(): void {
    if (this.#ended) return;
    this.#toldMs = Number.NEGATIVE_INFINITY;
    this.flush();
    this.#ended = true;
    this.#ports.finished();
  }

  failed(error: unknown): void {
    this.#ports.failed(error);
    this.ended();
  }

  #add(moment: Moment): void {
    if (this.#ended) return;
    this.#moments.push(moment);
    this.#cost += MOMENT_COST;
  }

  #full(): boolean {
    if (this.backlog < BACKLOG.everything) return false;
    this.#drop('moments');
    return true;
  }

  #drop(what: 'images' | 'moments'): void {
    this.#untold[what]++;
    this.#ports.dropped(what);
  }

  /** There is room again for the note even where there was none for what it is about: it is one a second. */
  #tell(): void {
    const { images, moments } = this.#untold;
    const now = this.#ports.now();
    if (images + moments === 0 || now - this.#toldMs < TELL_EVERY_MS) return;
    this.#toldMs = now;
    this.#untold = { images: 0, moments: 0 };
    const text = `left out: ${images} images, ${moments} other messages; whoever takes the recording is too slow`;
    this.#add({ kind: 'log', atMs: now, level: 'WARNING', text });
  }
}
