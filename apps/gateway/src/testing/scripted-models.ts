import { createNullBackend, nullBundle, type PolicyBackend, Scheduler } from '@sinew/policy';
import type { ModelDescription } from '@sinew/protocol';
import { monotonicClock } from '../clock.js';
import { ModelCatalogue } from '../models.js';

interface Script {
  readonly run?: PolicyBackend['run'];
  readonly maxBatch?: number;
  /** What one inference took in the warm-up, from which the capacity follows. */
  readonly inferMs?: number;
  /** Of the capacity, as in the setting. */
  readonly admission?: number;
  readonly manifest?: Partial<ReturnType<typeof nullBundle>['manifest']>;
  readonly description?: Partial<ModelDescription>;
}

/** The null policy, answering as a test says. */
export async function scriptedModels(script: Script = {}): Promise<ModelCatalogue> {
  const plain = nullBundle();
  const manifest = { ...plain.manifest, ...script.manifest };
  const bundle = { ...plain, manifest };
  const inner = createNullBackend({ bundle, maxBatch: script.maxBatch ?? 64 });
  await inner.start();
  const { inferMs, run } = script;
  if (run !== undefined) inner.run = run;
  if (inferMs !== undefined) inner.warmUp = () => [{ batch: 1, inferMs }];
  const scheduler = new Scheduler({
    backend: inner,
    now: () => monotonicClock.now(),
    ...(script.admission === undefined ? {} : { admission: script.admission }),
  });
  const description = { ...bundle.describe(), ...script.description };
  return new ModelCatalogue([{ bundle, backend: inner, scheduler, description, status: 'ready' }]);
}

/** Answers with this motion along x, metres a tick, alternating its sign where asked, gripper open. */
export function moving(metres: number, alternating = false): PolicyBackend['run'] {
  const actions = new Float32Array(8 * 7);
  for (let row = 0; row < 8; row++) {
    actions[row * 7] = alternating && row % 2 === 1 ? -metres : metres;
    actions[row * 7 + 6] = 1;
  }
  return async (_slot, inputs) => ({
    outputs: inputs.map(() => ({ ok: true, actions: actions.slice() })),
    decodeMs: 0,
    inferMs: 0,
  });
}

/** A policy that answers nothing until it is let go. */
export class Gate {
  /** The instructions that were run, in order. */
  readonly ran: string[] = [];
  readonly run: PolicyBackend['run'];
  #waiting: (() => void)[] = [];
  #open: boolean;

  constructor(open: boolean, answer: PolicyBackend['run'] = moving(0)) {
    this.#open = open;
    this.run = async (slot, inputs, deadline) => {
      for (const { instruction } of inputs) this.ran.push(instruction);
      if (!this.#open) await new Promise<void>((resolve) => this.#waiting.push(resolve));
      return answer(slot, inputs, deadline);
    };
  }

  close(): void {
    this.#open = false;
  }

  open(): void {
    this.#open = true;
    this.letGo();
  }

  /** What runs now ends; what comes after waits. */
  letGo(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}
