import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const TUN_LINK = fileURLToPath(new URL('./tun-link.py', import.meta.url));
const HERE = '10.231.77.1';
const THERE = '10.231.77.2';

/** `netem`: the kernel's own. `tun`: packets through a process that delays, reorders and loses them. */
export type LinkKind = 'netem' | 'tun';

export interface PacketImpairment {
  readonly delayMs: number;
  readonly jitterMs: number;
  /** Share of the packets, each way. */
  readonly loss: number;
}

const works = (file: string, ...args: string[]): boolean => {
  try {
    execFileSync(file, args, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
};

/** Why such a link cannot be had here, or null. */
export function missingFor(kind: LinkKind): string | null {
  if (process.getuid?.() !== 0) return 'not root';
  const probe = `sinew-probe-${process.pid}`;
  if (!works('ip', 'netns', 'add', probe)) return 'no network namespaces (ip netns)';
  try {
    if (kind === 'netem') {
      const there = ['netns', 'exec', probe, 'tc', 'qdisc', 'add', 'dev', 'lo', 'root', 'netem', 'delay', '1ms'];
      return works('ip', ...there) ? null : 'this kernel or machine has no tc netem';
    }
    if (!existsSync('/dev/net/tun')) return 'no /dev/net/tun';
    return works('python3', '--version') ? null : 'no python3';
  } finally {
    works('ip', 'netns', 'del', probe);
  }
}

/** A network namespace for robots, whose only way to the server is a bad link. */
export class NamespaceLink {
  readonly host = HERE;
  #tun: ChildProcess | null = null;

  private constructor(readonly namespace: string) {}

  static async start(
    kind: LinkKind,
    { delayMs, jitterMs, loss }: PacketImpairment,
    seed: number,
  ): Promise<NamespaceLink> {
    const link = new NamespaceLink(`sinew-chaos-${process.pid}`);
    const [near, far] = [`sc${process.pid % 100_000}a`, `sc${process.pid % 100_000}b`];
    await run('ip', ['netns', 'add', link.namespace]);
    try {
      if (kind === 'netem') {
        await run('ip', ['link', 'add', near, 'type', 'veth', 'peer', 'name', far, 'netns', link.namespace]);
      } else {
        const args = [TUN_LINK, near, far, link.namespace, `${delayMs}`, `${jitterMs}`, `${loss}`, `${seed}`];
        link.#tun = spawn('python3', args, { stdio: ['pipe', 'pipe', 'inherit'] });
        const gone = once(link.#tun, 'exit').then(() => Promise.reject(new Error('the link ended')));
        gone.catch(() => undefined);
        await Promise.race([once(createInterface({ input: link.#tun.stdout ?? process.stdin }), 'line'), gone]);
      }
      await run('ip', ['addr', 'add', HERE, 'peer', THERE, 'dev', near]);
      await run('ip', ['link', 'set', near, 'up']);
      await link.#inside('ip', 'addr', 'add', THERE, 'peer', HERE, 'dev', far);
      await link.#inside('ip', 'link', 'set', far, 'up');
      if (kind === 'netem') {
        const netem = ['root', 'netem', 'delay', `${delayMs}ms`, `${jitterMs}ms`, 'loss', `${loss * 100}%`];
        await run('tc', ['qdisc', 'add', 'dev', near, ...netem]);
        await link.#inside('tc', 'qdisc', 'add', 'dev', far, ...netem);
      }
      return link;
    } catch (error) {
      await link.close();
      throw error;
    }
  }

  /** The command line that runs `args` inside. */
  inside(...args: string[]): [string, string[]] {
    return ['ip', ['netns', 'exec', this.namespace, ...args]];
  }

  async close(): Promise<void> {
    if (this.#tun !== null && this.#tun.exitCode === null) {
      const gone = once(this.#tun, 'exit');
      this.#tun.kill('SIGKILL');
      await gone;
    }
    await run('ip', ['netns', 'del', this.namespace]);
  }

  async #inside(...args: string[]): Promise<void> {
    const [file, all] = this.inside(...args);
    await run(file, all);
  }
}
