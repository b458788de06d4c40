import { setTimeout as wait } from 'node:timers/promises';
import { checkInput, modelError } from '../backend/check-input.js';
import {
  type BackendStats,
  BatchLostError,
  type BatchResult,
  type PolicyBackend,
  type PolicyInput,
  type PolicyOutput,
  type WarmUp,
} from '../backend/policy-backend.js';
import type { Bundle } from '../bundle/bundle.js';
import type { Script } from './script.js';

/** So many batches at a time: one session's latency must not become another's queue. */
const SLOTS_WHEN_SLOW = 32;

type Sleep = (ms: number, signal: AbortSignal) => Promise<void>;

export interface ScriptBackendOptions {
  /** One with a `script`. */
  readonly bundle: Bundle;
  readonly sleep?: Sleep;
}

/**
 * Plays a file instead of running a graph: for testers who want a gateway to emit what no sane policy would. A session plays
 * the file from its beginning, an entry an inference; inputs without a session (REST) share one place in it. What is in the
 * file leaves as it is, not finite numbers and wrong lengths included: the governor behind is what is tested.
 */
export function createScriptBackend({ bundle, sleep = realSleep }: ScriptBackendOptions): PolicyBackend {
  if (bundle.script === undefined) throw new TypeError(`${bundle.manifest.id} has no script`);
  return new ScriptBackend(bundle, bundle.script, sleep);
}

class ScriptBackend implements PolicyBackend {
  readonly slots: number;
  readonly depth = 1;
  readonly maxBatch: number;
  readonly #bundle: Bundle;
  readonly #script: Script;
  readonly #sleep: Sleep;
  /** Entries played, by session; a session that is gone takes its place in the file along. */
  readonly #played = new WeakMap<object, number>();
  readonly #closing = new AbortController();
  #state: BackendStats['state'] = 'loading';
  #batches = 0;
  #inferences = 0;

  constructor(bundle: Bundle, script: Script, sleep: Sleep) {
    this.#bundle = bundle;
    this.#script = script;
    this.#sleep = sleep;
    this.maxBatch = bundle.manifest.batch.max;
    this.slots = script.latencyMs === 0 ? 1 : SLOTS_WHEN_SLOW;
  }

  start(): Promise<void> {
    this.#state = 'ready';
    return Promise.resolve();
  }

  warmUp(): readonly WarmUp[] {
    return this.#state === 'loading' ? [] : [{ batch: this.maxBatch, inferMs: this.#script.latencyMs }];
  }

  available(): boolean {
    return this.#state === 'ready';
  }

  onAvailability(): void {
    // Always available between start and close.
  }

  async run(_slot: number, inputs: readonly PolicyInput[], deadlineMs: number): Promise<BatchResult> {
    const { latencyMs } = this.#script;
    const outputs = inputs.map((input) => checkInput(this.#bundle.manifest, input) ?? this.#next(input));
    if (latencyMs > 0) {
      await this.#sleep(Math.min(latencyMs, deadlineMs), this.#closing.signal).catch((error: unknown) => {
        throw new BatchLostError('closed', true, error instanceof Error ? error.message : String(error));
      });
      if (latencyMs > deadlineMs) throw new BatchLostError('hung', true, `no answer within ${deadlineMs} ms`);
    }
    this.#batches++;
    this.#inferences += inputs.length;
    return { outputs, decodeMs: 0, inferMs: latencyMs };
  }

  #next({ session = this }: PolicyInput): PolicyOutput {
    const { entries, loop } = this.#script;
    const played = this.#played.get(session) ?? 0;
    const entry = entries[loop ? played % entries.length : played];
    if (entry === undefined) return modelError(`the script is over after ${entries.length} answers`);
    this.#played.set(session, played + 1);
    return entry.kind === 'error' ? modelError(entry.reason) : { ok: true, actions: entry.actions.slice() };
  }

  stats(): BackendStats {
    return {
      state: this.#state,
      provider: 'script',
      warnings: [`plays ${this.#script.entries.length} answers from a file: a script, not a policy`],
      available: Array.from({ length: this.slots }, () => this.available()),
      crashed: 0,
      hung: 0,
      batches: this.#batches,
      inferences: this.#inferences,
      decodeMs: 0,
      inferMs: this.#batches * this.#script.latencyMs,
      cpuMs: 0,
    };
  }

  close(): Promise<void> {
    this.#state = 'closed';
    this.#closing.abort();
    return Promise.resolve();
  }
}

async function realSleep(ms: number, signal: AbortSignal): Promise<void> {
  await wait(ms, undefined, { signal });
}
