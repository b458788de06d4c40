import {
  type BackendStats,
  BatchLostError,
  type BatchResult,
  type PolicyBackend,
  type PolicyInput,
  type PolicyOutput,
  type WarmUp,
} from '@sinew/policy';
import type { BatchEnd } from './policy-check.js';
import type { Random } from './random.js';

/** What the policy's workers do beside their work. Chances are of one batch or one answer. */
export interface PolicyWeather {
  /** Of a batch: fixed, and for each input, ms. */
  fixedMs: number;
  perInputMs: number;
  crashes: number;
  crashesUnbegun: number;
  hangs: number;
  errors: number;
  notFinite: number;
  wrongLength: number;
  /** Far beyond anything a robot may do. */
  wild: number;
  /** How long a lost slot is away, ms. */
  replacedMs: number;
}

export interface PolicyPorts {
  readonly random: Random;
  nowMs(): number;
  later(ms: number, label: string, done: () => void): void;
  /** A batch begins: before its first input is looked at. */
  running(slot: number, inputs: readonly PolicyInput[]): void;
  /** It ended, one way or another: the inputs are the caller's again. */
  ended(slot: number, inputs: readonly PolicyInput[], how: BatchEnd): void;
  fault(kind: string): void;
}

const CHUNK = 8;
const DIM = 7;

/** A policy's workers: they take their time, die, hang, and answer what they like. */
export class VirtualPolicy implements PolicyBackend {
  readonly slots: number;
  readonly depth: number;
  readonly maxBatch: number;
  readonly weather: PolicyWeather;
  readonly #ports: PolicyPorts;
  readonly #available: boolean[];
  /** Until when each slot computes what it has. */
  readonly #busyUntilMs: number[];
  #listener: () => void = () => {};
  #closed = false;
  #batches = 0;

  constructor(shape: { slots: number; depth: number; maxBatch: number }, weather: PolicyWeather, ports: PolicyPorts) {
    this.slots = shape.slots;
    this.depth = shape.depth;
    this.maxBatch = shape.maxBatch;
    this.weather = weather;
    this.#ports = ports;
    this.#available = Array.from({ length: shape.slots }, () => true);
    this.#busyUntilMs = Array.from({ length: shape.slots }, () => 0);
  }

  start(): Promise<void> {
    return Promise.resolve();
  }

  warmUp(): readonly WarmUp[] {
    return [
      { batch: 1, inferMs: 5 },
      { batch: this.maxBatch, inferMs: 8 },
    ];
  }

  available(slot: number): boolean {
    return !this.#closed && this.#available[slot] === true;
  }

  onAvailability(listener: () => void): void {
    this.#listener = listener;
  }

  run(slot: number, inputs: readonly PolicyInput[], deadlineMs: number): Promise<BatchResult> {
    const { random } = this.#ports;
    const weather = this.weather;
    this.#batches++;
    this.#ports.running(slot, inputs);
    const beginsMs = Math.max(this.#ports.nowMs(), this.#busyUntilMs[slot] ?? 0);
    const begun = beginsMs === this.#ports.nowMs();
    const takesMs = (weather.fixedMs + weather.perInputMs * inputs.length) * random.between(0.7, 1.5);
    const waitsMs = beginsMs - this.#ports.nowMs();
    return new Promise((resolve, reject) => {
      const end = (ms: number, how: BatchEnd, done: () => void): void => {
        this.#busyUntilMs[slot] = beginsMs + ms;
        this.#ports.later(waitsMs + ms, 'policy', () => {
          this.#ports.ended(slot, inputs, how);
          done();
        });
      };
      const lose = (how: 'crashed' | 'hung', wasBegun: boolean) => {
        this.#ports.fault(`policy: ${how}`);
        this.#lose(slot);
        reject(new BatchLostError(how, wasBegun, 'as the seed wanted'));
      };
      if (random.chance(weather.crashes)) {
        end(takesMs * random.unit(), 'lost', () => lose('crashed', true));
      } else if (random.chance(weather.crashesUnbegun)) {
        end(takesMs * random.unit(), begun ? 'lost' : 'lost_unbegun', () => lose('crashed', begun));
      } else if (random.chance(weather.hangs)) end(deadlineMs, 'lost', () => lose('hung', true));
      else {
        end(takesMs, 'answered', () =>
          resolve({ outputs: inputs.map((input) => this.#answer(input)), decodeMs: 0.5, inferMs: takesMs }),
        );
      }
    });
  }

  #lose(slot: number): void {
    this.#available[slot] = false;
    this.#listener();
    this.#ports.later(this.weather.replacedMs * this.#ports.random.between(0.5, 2), 'policy slot back', () => {
      this.#available[slot] = true;
      this.#listener();
    });
  }

  #answer({ state }: PolicyInput): PolicyOutput {
    const { random } = this.#ports;
    const weather = this.weather;
    if (random.chance(weather.errors)) {
      this.#ports.fault('policy: error');
      return random.chance(0.3)
        ? { ok: false, code: 'validation_failed', field: 'images.main', reason: 'cannot be decoded' }
        : { ok: false, code: 'model_error', reason: 'as the seed wanted' };
    }
    const wrong = random.chance(weather.wrongLength);
    if (wrong) this.#ports.fault('policy: wrong length');
    const actions = new Float32Array(wrong ? random.int(0, 2 * CHUNK * DIM) : CHUNK * DIM);
    const wild = random.chance(weather.wild);
    if (wild) this.#ports.fault('policy: wild');
    const reach = wild ? random.pick([0.2, 5, 1e6, 3e38]) : 0.02;
    // Towards a point of the box, mostly reachable, sometimes beyond the walls: the governor has something to do.
    const goal = [random.between(-0.6, 0.6), random.between(-0.6, 0.6), random.between(-0.1, 0.7)];
    const turn = [random.between(-0.1, 0.1), random.between(-0.1, 0.1), random.between(-0.1, 0.1)];
    const gripper = random.unit();
    for (let row = 0; row * DIM < actions.length; row++) {
      for (let d = 0; d < 3; d++) {
        const way = (goal[d] ?? 0) - (state[d] ?? 0);
        actions[row * DIM + d] = Math.max(-reach, Math.min(reach, wild ? reach * Math.sign(way) : way / 10));
        actions[row * DIM + 3 + d] = wild ? reach * (turn[d] ?? 0) : (turn[d] ?? 0);
      }
      actions[row * DIM + 6] = wild && reach > 10 ? reach : gripper;
    }
    if (actions.length > 0 && random.chance(weather.notFinite)) {
      this.#ports.fault('policy: not finite');
      actions[random.int(0, actions.length - 1)] = random.pick([Number.NaN, Number.POSITIVE_INFINITY]);
    }
    return { ok: true, actions };
  }

  stats(): BackendStats {
    return {
      state: this.#closed ? 'closed' : 'ready',
      provider: 'simulated',
      warnings: [],
      available: [...this.#available],
      crashed: 0,
      hung: 0,
      batches: this.#batches,
      inferences: 0,
      decodeMs: 0,
      inferMs: 0,
      cpuMs: null,
    };
  }

  close(): Promise<void> {
    this.#closed = true;
    return Promise.resolve();
  }
}
