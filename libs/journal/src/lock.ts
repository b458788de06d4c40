// One writer and one reader a folder (J5). A lock is a file that names its holder: host, process id and that process's start time,
// so that a lock survives neither kill -9 (the process is gone) nor a reused process id (the start time differs). On another
// host, or in another container, a process cannot be looked up: there the holder's heartbeat counts.
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { link, readFile, rename, stat, unlink, utimes, writeFile } from 'node:fs/promises';
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
    const path = join(dir, `${role}.lock`);
    const token = randomUUID();
    const own = `${path}.${token}`;
    const holder: Holder = { token, host: hostIdentity(), pid: process.pid, started: processStart(process.pid) };
    await writeFile(own, JSON.stringify(holder), { flag: 'wx', mode: 0o600 });
    try {
      for (let attempt = 0; attempt < 5; attempt++) {
        if (await linked(own, path)) return new FolderLock(path, token, onLost);
        const other = await readHolder(path);
        if (other === null) continue;
        if (await isAlive(other, path)) {
          throw new JournalError('locked', `${path} is held by process ${other.pid} on ${other.host}`);
        }
        await removeStale(path, other);
      }
      throw new JournalError('locked', `${path} is fought over`);
    } finally {
      await unlink(own);
    }
  }

  async release(): Promise<void> {
    clearInterval(this.#heartbeat);
    const holder = await readHolder(this.#path);
    if (holder?.token === this.#token) await unlink(this.#path).catch(ignoreMissing);
  }

  async #beat(onLost: () => void): Promise<void> {
    const holder = await readHolder(this.#path).catch(() => null);
    if (holder?.token !== this.#token) {
      clearInterval(this.#heartbeat);
      onLost();
      return;
    }
    const now = new Date();
    await utimes(this.#path, now, now).catch(ignoreMissing);
  }
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

/** Null where there is no lock. One that cannot be read is a dead holder's: locks are linked whole. */
async function readHolder(path: string): Promise<Holder | null> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as Holder;
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return null;
    if (error instanceof SyntaxError) return { token: '', host: hostIdentity(), pid: 0, started: null };
    throw error;
  }
}

async function isAlive(holder: Holder, path: string): Promise<boolean> {
  if (holder.host !== hostIdentity()) {
    const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: 0 }));
    return Date.now() - mtimeMs < FOREIGN_STALE_MS;
  }
  if (holder.pid <= 0) return false;
  const started = processStart(holder.pid);
  if (started !== null || holder.started !== null) return started === holder.started;
  try {
    process.kill(holder.pid, 0);
    return true;
  } catch (error) {
    return systemCode(error) === 'EPERM';
  }
}

/** Moves the dead holder's lock away; where two take over at once, the rename shows whose file it was, and it goes back. */
async function removeStale(path: string, dead: Holder): Promise<void> {
  const aside = `${path}.stale-${randomUUID()}`;
  try {
    await rename(path, aside);
  } catch (error) {
    ignoreMissing(error);
    return;
  }
  const moved = await readHolder(aside);
  if (moved !== null && moved.token !== dead.token) await linked(aside, path);
  await unlink(aside);
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
