// The one process that a simulation runs in has its timers, clocks and files from Node. While a world is current they are that
// world's; otherwise, and for files outside its folder, they are Node's own. So the product runs as it is, nothing of it left out.
import nodeFs from 'node:fs';
import nodeFsPromises from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import perfHooks from 'node:perf_hooks';

/** What a world gives the code that runs in it. */
export interface ProcessWorld {
  /** Milliseconds since the process began. */
  monotonicMs(): number;
  /** Unix milliseconds by the calendar, which jumps. */
  wallMs(): number;
  /** Runs `task` after `ms`, again and again where `every`; answers what cancels it. */
  timer(task: () => void, ms: number, every: boolean): () => void;
  immediate(task: () => void): () => void;
  /** Functions of node:fs/promises, for paths that begin with `root`. */
  readonly root: string;
  readonly files: Readonly<Record<string, (...args: never[]) => Promise<unknown>>>;
  /** What /proc/<pid>/stat says: who begins anew under the same process id is another process. */
  procStat(): string;
}

const real = {
  setTimeout: globalThis.setTimeout,
  clearTimeout: globalThis.clearTimeout,
  setInterval: globalThis.setInterval,
  clearInterval: globalThis.clearInterval,
  setImmediate: globalThis.setImmediate,
  clearImmediate: globalThis.clearImmediate,
  dateNow: Date.now,
  performanceNow: performance.now.bind(performance),
  readFileSync: nodeFs.readFileSync,
  monitorEventLoopDelay: perfHooks.monitorEventLoopDelay,
};

let current: ProcessWorld | null = null;
let installed = false;

/** Real milliseconds, for a runner's own figures. */
export const realNow = real.performanceNow;

/** Resolves when all that was waiting as a microtask has run. */
export const drained = (): Promise<void> => new Promise((resolve) => void real.setImmediate(resolve));

/** From here to `leave` everything in this process lives in `world`. */
export function enter(world: ProcessWorld): void {
  if (!installed) install();
  if (current !== null) throw new Error('one world at a time');
  current = world;
}

export function leave(): void {
  current = null;
}

/** As much of a Node timer as anybody asks of one. */
class Timer {
  readonly cancel: () => void;

  constructor(cancel: () => void) {
    this.cancel = cancel;
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }

  hasRef(): boolean {
    return true;
  }
}

type Task = (...args: unknown[]) => void;

function install(): void {
  installed = true;
  const timers =
    (every: boolean, own: (task: Task, ms?: number, ...args: unknown[]) => unknown) =>
    (task: Task, ms = 0, ...args: unknown[]): unknown =>
      current === null ? own(task, ms, ...args) : new Timer(current.timer(() => task(...args), ms, every));
  const clearing =
    (own: (timer: never) => void) =>
    (timer: unknown): void => {
      if (timer instanceof Timer) timer.cancel();
      else own(timer as never);
    };
  Object.assign(globalThis, {
    setTimeout: Object.assign(timers(false, real.setTimeout as never), { __promisify__: undefined }),
    setInterval: timers(true, real.setInterval as never),
    setImmediate: (task: Task, ...args: unknown[]) =>
      current === null ? real.setImmediate(task, ...args) : new Timer(current.immediate(() => task(...args))),
    clearTimeout: clearing(real.clearTimeout as never),
    clearInterval: clearing(real.clearInterval as never),
    clearImmediate: clearing(real.clearImmediate as never),
  });
  Date.now = () => current?.wallMs() ?? real.dateNow();
  performance.now = () => current?.monotonicMs() ?? real.performanceNow();

  const ours = (path: unknown): boolean =>
    current !== null && typeof path === 'string' && path.startsWith(current.root);
  const promises = nodeFsPromises as unknown as Record<string, (...args: unknown[]) => Promise<unknown>>;
  for (const name of FILE_CALLS) {
    const own = promises[name] as (...args: unknown[]) => Promise<unknown>;
    promises[name] = (...args) => {
      if (!ours(args[0])) return own(...args);
      const call = current?.files[name] as ((...args: unknown[]) => Promise<unknown>) | undefined;
      return call === undefined ? Promise.reject(new Error(`no ${name} in a simulation`)) : call(...args);
    };
  }
  nodeFs.readFileSync = ((path: string, ...rest: never[]) =>
    current !== null && path === `/proc/${process.pid}/stat`
      ? current.procStat()
      : real.readFileSync(path, ...rest)) as typeof nodeFs.readFileSync;
  perfHooks.monitorEventLoopDelay = (options) =>
    current === null ? real.monitorEventLoopDelay(options) : (NO_DELAY as never);
  syncBuiltinESMExports();
}

/** Those of node:fs/promises that the journal uses; any other on a world's path is an error, not an access to a real disk. */
const FILE_CALLS = [
  'open',
  'mkdir',
  'readdir',
  'readFile',
  'writeFile',
  'stat',
  'link',
  'unlink',
  'rm',
  'rename',
  'truncate',
  'utimes',
  'access',
  'copyFile',
  'appendFile',
] as const;

/** Measures the machine, not the world. */
const NO_DELAY = { enable: () => true, disable: () => true, reset: () => {}, percentile: () => 0, max: 0, mean: 0 };
