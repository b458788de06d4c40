// One writer and one reader a folder (J5). A lock is a file that names its holder: host, process id and that process's start time,
// so that a lock survives neither kill -9 (the process is gone) nor a reused process id (the start time differs). On another
// host, or in another container, a process cannot be looked up: there the holder's heartbeat counts.
//
// Every taking makes a new file, `writer.<generation>.lock`, by an exclusive link; the newest one is the lock, it is never deleted
// by name alone, and numbers never begin anew. Deleting a dead holder's file and then making the same name let two in at once.
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { link, readdir, readFile, stat, truncate, unlink, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { JournalError, systemCode } from './errors.js';

const HEARTBEAT_MS = 5_000;
const FOREIGN_STALE_MS = 30_000;

export type LockRole = 'writer' | 'reader';

interface Holder {
  readonly token: string;
  readonly host: string;
  readonly pid: number;
  /** Field 22 of /proc/PID/stat with the boot's id; null where the system has no /proc. */
  readonly started: string | null;
}

export class FolderLock {
  readonly #path: string;
  readonly #token: string;
  readonly #heartbeat: NodeJS.Timeout;

  private constructor(path: string, token: string, onLost: () => void) {
    this.#path = path;
    this.#token = token;
    this.#heartbeat = setInterval(() => void this.#beat(onLost), HEARTBEAT_MS);
    this.#heartbeat.unref();
  }

  /** Throws `locked` while a live process holds it. `onLost`: somebody took it away; stop at once. */
  static async take(dir: string, role: LockRole, onLost: () => void = () => {}): Promise<FolderLock> {
    const token = randomUUID();
    const own = join(dir, `${role}.${token}.lock-new`);
    const holder: Holder = { token, host: hostIdentity(), pid: process.pid, started: processStart(process.pid) };
    await writeFile(own, JSON.stringify(holder), { flag: 'wx', mode: 0o600 });
    try {
      for (;;) {
        const newest = (await generations(dir, role)).at(-1) ?? 0;
        const path = lockPath(dir, role, newest);
        const other = newest === 0 ? null : await readHolder(path);
        if (other !== null && (await isAlive(other, path))) {
          throw new JournalError('locked', `${path} is held by process ${other.pid} on ${other.host}`);
        }
        const next = lockPath(dir, role, newest + 1);
        if (!(await linked(own, next))) continue;
        const all = await generations(dir, role);
        if (all.at(-1) === newest + 1) {
          for (const older of all.slice(0, -1)) await unlink(lockPath(dir, role, older)).catch(ignoreMissing);
          return new FolderLock(next, token, onLost);
        }
        // A name that was free only because its generation is long past: somebody holds a newer one.
        await unlink(next).catch(ignoreMissing);
      }
    } finally {
      await unlink(own);
    }
  }

  /** Empties the file; it stays, so that generations never begin anew. */
  async release(): Promise<void> {
    clearInterval(this.#heartbeat);
    if (await this.#isOurs()) await truncate(this.#path).catch(ignoreMissing);
  }

  async #beat(onLost: () => void): Promise<void> {
    try {
      if (await this.#isOurs()) {
        const now = new Date();
        await utimes(this.#path, now, now);
        return;
      }
    } catch {
      // A file that cannot be read just now (no handle left, a disk in trouble) says nothing about who holds it: the next beat asks.
      return;
    }
    clearInterval(this.#heartbeat);
    onLost();
  }

  async #isOurs(): Promise<boolean> {
    return (await readHolder(this.#path))?.token === this.#token;
  }
}

function lockPath(dir: string, role: LockRole, generation: number): string {
  return join(dir, `${role}.${generation}.lock`);
}

/** Rising. */
async function generations(dir: string, role: LockRole): Promise<number[]> {
  const names = (await readdir(dir)).map((name) => /^(\w+)\.(\d+)\.lock$/.exec(name));
  const numbers = names.flatMap((match) => (match?.[1] === role ? [Number(match[2])] : []));
  return numbers.sort((a, b) => a - b);
}

async function linked(own: string, path: string): Promise<boolean> {
  try {
    await link(own, path);
    return true;
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return false;
    throw error;
  }
}

/** Null where nobody holds it: gone, or emptied by its holder. */
async function readHolder(path: string): Promise<Holder | null> {
  try {
    const text = await readFile(path, 'utf8');
    return text === '' ? null : (JSON.parse(text) as Holder);
  } catch (error) {
    // Locks are linked whole; what does not read is what a power cut left.
    if (systemCode(error) === 'ENOENT' || error instanceof SyntaxError) return null;
    throw error;
  }
}

async function isAlive(holder: Holder, path: string): Promise<boolean> {
  if (holder.host !== hostIdentity()) {
    const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: 0 }));
    return Date.now() - mtimeMs < FOREIGN_STALE_MS;
  }
  const started = processStart(holder.pid);
  if (started !== null || holder.started !== null) return started === holder.started;
  try {
    process.kill(holder.pid, 0);
    return true;
  } catch (error) {
    return systemCode(error) === 'EPERM';
  }
}

/** Process ids are only comparable within one boot and one pid namespace. */
function hostIdentity(): string {
  return `${hostname()}/${readProc('/proc/sys/kernel/random/boot_id')?.trim() ?? ''}`;
}

function processStart(pid: number): string | null {
  const status = readProc(`/proc/${pid}/stat`);
  if (status === null) return null;
  // The command's name, in brackets, may hold spaces and brackets itself: fields are counted from the last one.
  const fields = status.slice(status.lastIndexOf(')') + 2).split(' ');
  // A zombie runs no code any more: state `Z` counts as dead, else a parent that does not reap would keep the lock.
  return fields[0] === 'Z' ? null : (fields[19] ?? null);
}

function readProc(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}

function ignoreMissing(error: unknown): void {
  if (systemCode(error) !== 'ENOENT') throw error;
}
