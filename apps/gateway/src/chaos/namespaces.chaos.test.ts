import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test } from 'vitest';
import type { RobotOptions } from './audited-robot.js';
import { ChaosInstance, orphans } from './chaos-instance.js';
import { storedOnce } from './fleet.js';
import { type LinkKind, missingFor, NamespaceLink } from './namespace-link.js';
import { chaosSeed } from './seed.js';
import { until } from './until.js';

const ROBOTS = fileURLToPath(new URL('../../dist/chaos/robots-main.js', import.meta.url));
const IMPAIRMENT = { delayMs: 40, jitterMs: 15, loss: 0.02 };
const MODELS: readonly Pick<RobotOptions, 'model' | 'pacing'>[] = [
  { model: 'wild', pacing: 'chunked' },
  { model: 'wild', pacing: 'paced' },
];

interface Row {
  readonly id: string;
  readonly actions: number;
  readonly errors: readonly string[];
  readonly sessions: readonly { readonly id: string }[];
  readonly logIds: readonly number[];
  readonly over: string | null;
}

describe('packets late, out of order and lost, in a network namespace', { timeout: 120_000 }, () => {
  const undo: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const each of undo.splice(0).reverse()) await each();
    expect(orphans()).toEqual([]);
  }, 60_000);

  for (const kind of ['netem', 'tun'] as const satisfies readonly LinkKind[]) {
    const missing = missingFor(kind);
    if (missing !== null) process.stderr.write(`chaos: !!! NOT RUN, packets through ${kind}: ${missing}\n`);

    test.skipIf(missing !== null)(
      `${kind}: robots move on in their sessions, and over a freeze of their own`,
      async () => {
        const link = await NamespaceLink.start(kind, IMPAIRMENT, chaosSeed());
        undo.push(() => link.close());
        const instance = await ChaosInstance.start({ args: ['--host', link.host] });
        undo.push(() => instance.stop());
        const robots = new FarRobots(link, instance);
        undo.push(() => robots.stop());

        const before = await robots.moved(0);
        await robots.moved(100);
        // Frozen for less than a session waits: what the server said meanwhile is late, and must not move anybody as if it were not.
        robots.child.kill('SIGSTOP');
        const begun = performance.now();
        await until('the time is over', () => performance.now() - begun > 1_500);
        robots.child.kill('SIGCONT');
        const after = await robots.moved(50);
        expect(after.map(({ sessions }) => sessions)).toEqual(before.map(({ sessions }) => sessions));
        await robots.stop();
        expect(
          await storedOnce(
            instance,
            after.flatMap(({ logIds }) => logIds),
          ),
        ).toBeGreaterThan(10);
      },
    );
  }
});

class FarRobots {
  readonly child: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  #first = true;

  constructor(link: NamespaceLink, { ready }: ChaosInstance) {
    const options = MODELS.map((each, i) => ({
      ...each,
      url: ready.ws,
      apiKey: ready.api_key ?? '',
      robotId: `far-${i}`,
      linkMs: 2_000,
    }));
    const [file, args] = link.inside(process.execPath, ROBOTS, JSON.stringify(options));
    this.child = spawn(file, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#lines = createInterface({ input: this.child.stdout ?? process.stdin })[Symbol.asyncIterator]();
  }

  /** How they are once each has moved so many more times; sound, or it throws. */
  async moved(more: number): Promise<Row[]> {
    const from = await this.#ask();
    return until(`every robot moves ${more} times`, async () => {
      const rows = await this.#ask();
      expect(rows.flatMap(({ errors, over }) => [...errors, ...(over === null ? [] : [over])])).toEqual([]);
      return rows.every(({ actions }, i) => actions >= (from[i]?.actions ?? 0) + more) && rows;
    });
  }

  async stop(): Promise<void> {
    const { child } = this;
    if (child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGCONT');
    child.stdin?.end();
    const timer = setTimeout(() => child.kill('SIGKILL'), 10_000);
    await gone;
    clearTimeout(timer);
  }

  async #ask(): Promise<Row[]> {
    if (!this.#first) this.child.stdin?.write('\n');
    this.#first = false;
    const { value } = await this.#lines.next();
    return JSON.parse(value as string) as Row[];
  }
}
