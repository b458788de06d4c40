import type { Random } from './random.js';

/** What the disk does beside its work. */
export interface DiskWeather {
  /** Of an operation, ms; long-tailed. */
  meanMs: number;
  /** Of an fsync. */
  syncMs: number;
  /** Nothing more fits: writes and new files fail, some after a part. */
  full: boolean;
  /** Chances of one call. */
  writeFails: number;
  syncFails: number;
  shortWrite: number;
  /** Calls issued from now to then answer only afterwards. */
  hangsUntilMs: number;
}

class Inode {
  bytes = Buffer.alloc(0);
  length = 0;
  /** What is known to survive a power cut: up to here. */
  syncedLength = 0;
  readonly folder: boolean;
  readonly entries = new Map<string, Inode>();
  /** Of a folder: its names as of its last sync. */
  syncedEntries = new Map<string, Inode>();
  mtimeMs = 0;

  constructor(folder: boolean) {
    this.folder = folder;
  }

  write(bytes: Uint8Array, at: number): void {
    const end = at + bytes.length;
    if (end > this.bytes.length) {
      const larger = Buffer.alloc(Math.max(end, 2 * this.bytes.length, 4_096));
      this.bytes.copy(larger, 0, 0, this.length);
      this.bytes = larger;
    }
    if (at > this.length) this.bytes.fill(0, this.length, at);
    this.bytes.set(bytes, at);
    this.length = Math.max(this.length, end);
  }

  truncate(length: number): void {
    if (length < this.length) this.bytes.fill(0, length, this.length);
    else this.write(Buffer.alloc(length - this.length), this.length);
    this.length = length;
    this.syncedLength = Math.min(this.syncedLength, length);
  }
}

/** What an observer of the disk hears: the truth below the file system, as it changes. */
export interface DiskWatch {
  created(path: string): void;
  written(path: string, from: number, bytes: Buffer): void;
  truncated(path: string, length: number): void;
  synced(path: string, length: number): void;
  fault(kind: string): void;
}

interface DiskPorts {
  readonly random: Random;
  nowMs(): number;
  wallMs(): number;
  /** Runs `done` for the process that asked, unless that is gone by then. */
  later(ms: number, label: string, done: () => void): void;
  readonly watch: DiskWatch;
}

interface InFlight {
  readonly apply: () => void;
}

export class DiskError extends Error {
  readonly code: string;

  constructor(code: string, call: string, path: string) {
    super(`${code}: ${call} '${path}'`);
    this.code = code;
  }
}

/** Of a disk that is full or broken, whatever the error went through since. */
export function isRefusal(error: unknown): boolean {
  if (error instanceof DiskError) return error.code === 'EIO' || error.code === 'ENOSPC';
  return error instanceof Error && error.cause !== undefined && isRefusal(error.cause);
}

const SECTOR_BYTES = 512;
/** The system's calls on a busy disk now and then take this many times as long. */
const TAIL_CHANCE = 0.01;
const TAIL = 20;

/**
 * A disk in memory, under node:fs/promises. A killed process loses nothing that a call had done; a power cut takes what was not
 * synced, whole sectors of it in any order, and names in a folder that was not synced.
 */
export class VirtualDisk {
  readonly root = '/simulated';
  readonly weather: DiskWeather = {
    meanMs: 0.1,
    syncMs: 2,
    full: false,
    writeFails: 0,
    syncFails: 0,
    shortWrite: 0.02,
    hangsUntilMs: 0,
  };
  readonly #ports: DiskPorts;
  #top = new Inode(true);
  readonly #inFlight = new Set<InFlight>();

  constructor(ports: DiskPorts) {
    this.#ports = ports;
    this.#top.entries.set('simulated', new Inode(true));
    this.#top.syncedEntries = new Map(this.#top.entries);
  }

  /** Bytes of every segment, for who looks from outside. */
  sizeOf(path: string): number {
    return this.#find(path)?.length ?? 0;
  }

  /** The process is gone: calls under way were done or were not. */
  kill(forgetsWrites = false): void {
    for (const { apply } of this.#inFlight) if (this.#ports.random.chance(0.5)) apply();
    this.#inFlight.clear();
    if (forgetsWrites) this.powerCut();
  }

  /** Whether anything that is asked of it now may fail or take long. */
  get sick(): boolean {
    const { full, hangsUntilMs, syncFails, writeFails } = this.weather;
    return full || writeFails > 0 || syncFails > 0 || hangsUntilMs > this.#ports.nowMs() - 1_000;
  }

  /** The machine is gone: what was not synced is there, in part or not, sector by sector. */
  powerCut(): void {
    this.#inFlight.clear();
    const seen = new Set<Inode>();
    const cut = (inode: Inode): void => {
      if (seen.has(inode)) return;
      seen.add(inode);
      if (!inode.folder) return this.#tear(inode);
      for (const name of new Set([...inode.entries.keys(), ...inode.syncedEntries.keys()])) {
        const [now, then] = [inode.entries.get(name), inode.syncedEntries.get(name)];
        const kept = now === then || this.#ports.random.chance(0.5) ? now : then;
        if (kept === undefined) inode.entries.delete(name);
        else inode.entries.set(name, kept);
      }
      inode.syncedEntries = new Map(inode.entries);
      for (const child of inode.entries.values()) cut(child);
    };
    cut(this.#top);
  }

  #tear(inode: Inode): void {
    const { random } = this.#ports;
    const { length, syncedLength } = inode;
    if (length <= syncedLength) return;
    const kept = random.chance(0.3) ? length : random.int(syncedLength, length);
    inode.bytes.fill(0, kept, length);
    inode.length = kept;
    // Mostly the disk wrote in order; sometimes a sector in the middle did not make it.
    if (random.chance(0.2)) {
      for (let at = syncedLength; at < kept; at = (Math.floor(at / SECTOR_BYTES) + 1) * SECTOR_BYTES) {
        const end = Math.min(kept, (Math.floor(at / SECTOR_BYTES) + 1) * SECTOR_BYTES);
        if (random.chance(0.3)) inode.bytes.fill(0, at, end);
      }
    }
    inode.syncedLength = kept;
  }

  readonly files = {
    open: (path: string, flags = 'r') => this.#call('open', () => this.#open(path, flags)),
    mkdir: (path: string) => this.#call('mkdir', () => this.#mkdir(path)),
    readdir: (path: string) => this.#call('readdir', () => [...this.#folder(path, 'readdir').entries.keys()]),
    readFile: (path: string, options?: unknown) =>
      this.#call('readFile', () => {
        const { bytes, length } = this.#existing(path, 'readFile');
        const copy = Buffer.from(bytes.subarray(0, length));
        return options === undefined ? copy : copy.toString('utf8');
      }),
    writeFile: (path: string, content: string | Uint8Array, options?: { flag?: string }) =>
      this.#call('writeFile', () => {
        const inode = this.#create(path, options?.flag ?? 'w');
        inode.write(Buffer.from(content), 0);
        inode.mtimeMs = this.#ports.wallMs();
      }),
    stat: (path: string) => this.#call('stat', () => statOf(this.#existing(path, 'stat'))),
    link: (from: string, to: string) =>
      this.#call('link', () => {
        const { entries } = this.#parent(to);
        if (entries.has(nameOf(to))) throw new DiskError('EEXIST', 'link', to);
        entries.set(nameOf(to), this.#existing(from, 'link'));
      }),
    unlink: (path: string) =>
      this.#call('unlink', () => {
        this.#existing(path, 'unlink');
        this.#parent(path).entries.delete(nameOf(path));
      }),
    rm: (path: string) => this.#call('rm', () => void this.#parent(path).entries.delete(nameOf(path))),
    rename: (from: string, to: string) =>
      this.#call('rename', () => {
        const inode = this.#existing(from, 'rename');
        this.#parent(from).entries.delete(nameOf(from));
        this.#parent(to).entries.set(nameOf(to), inode);
      }),
    truncate: (path: string, length = 0) =>
      this.#call('truncate', () => this.#existing(path, 'truncate').truncate(length)),
    utimes: (path: string) =>
      this.#call('utimes', () => {
        this.#existing(path, 'utimes').mtimeMs = this.#ports.wallMs();
      }),
  };

  #open(path: string, flags: string): object {
    const inode = flags === 'r' || flags === 'r+' ? this.#existing(path, 'open') : this.#create(path, flags);
    const call = <T>(name: string, work: () => T) => this.#call(name, work);
    return {
      read: (buffer: Buffer, offset: number, length: number, position: number) =>
        call('read', () => {
          const end = Math.min(inode.length, position + length);
          const bytesRead = Math.max(0, end - position);
          if (bytesRead > 0) inode.bytes.copy(buffer, offset, position, end);
          return { bytesRead, buffer };
        }),
      write: (buffer: Buffer, offset: number, length: number, position: number) =>
        this.#write(inode, path, buffer, offset, length, position),
      datasync: () => this.#sync(inode, path),
      sync: () => this.#sync(inode, path),
      truncate: (length: number) =>
        call('truncate', () => {
          inode.truncate(length);
          this.#ports.watch.truncated(path, length);
        }),
      readFile: () => call('readFile', () => Buffer.from(inode.bytes.subarray(0, inode.length))),
      writeFile: (content: string | Uint8Array) => call('writeFile', () => inode.write(Buffer.from(content), 0)),
      stat: () => call('stat', () => statOf(inode)),
      utimes: () =>
        call('utimes', () => {
          inode.mtimeMs = this.#ports.wallMs();
        }),
      close: () => call('close', () => {}),
    };
  }

  #write(inode: Inode, path: string, buffer: Buffer, offset: number, length: number, position: number) {
    const { random, watch } = this.#ports;
    const short = length > 1 && random.chance(this.weather.shortWrite);
    if (short) watch.fault('disk: short write');
    const bytes = short ? random.int(1, length - 1) : length;
    // Read from the caller's memory when the call is done, as the system does: who changes it meanwhile writes something else.
    return this.#call(
      'write',
      () => {
        const taken = buffer.subarray(offset, offset + bytes);
        inode.write(taken, position);
        watch.written(path, position, inode.bytes.subarray(position, position + bytes));
        return { bytesWritten: bytes, buffer };
      },
      () => {
        if (this.weather.full) {
          // What still fitted stands there.
          const part = random.int(0, length);
          if (part > 0) inode.write(buffer.subarray(offset, offset + part), position);
          watch.fault('disk: full');
          throw new DiskError('ENOSPC', 'write', path);
        }
        if (random.chance(this.weather.writeFails)) {
          watch.fault('disk: write failed');
          throw new DiskError('EIO', 'write', path);
        }
      },
    );
  }

  #sync(inode: Inode, path: string): Promise<void> {
    // What is written while the sync runs is not of it.
    const { length } = inode;
    const entries = inode.folder ? new Map(inode.entries) : null;
    return this.#call(
      'sync',
      () => {
        if (entries !== null) {
          inode.syncedEntries = entries;
          return;
        }
        inode.syncedLength = Math.max(inode.syncedLength, Math.min(length, inode.length));
        this.#ports.watch.synced(path, inode.syncedLength);
      },
      () => {
        if (!this.#ports.random.chance(this.weather.syncFails)) return;
        this.#ports.watch.fault('disk: fsync failed');
        throw new DiskError('EIO', 'fsync', path);
      },
      this.weather.syncMs,
    );
  }

  #call<T>(name: string, work: () => T, fails?: () => void, meanMs = this.weather.meanMs): Promise<T> {
    const { random } = this.#ports;
    const tail = random.chance(TAIL_CHANCE) ? TAIL : 1;
    const hangs = Math.max(0, this.weather.hangsUntilMs - this.#ports.nowMs());
    const takesMs = hangs + tail * meanMs * random.between(0.2, 1.8);
    return new Promise((resolve, reject) => {
      const call: InFlight = { apply: () => void attempt(work) };
      this.#inFlight.add(call);
      this.#ports.later(takesMs, `disk ${name}`, () => {
        this.#inFlight.delete(call);
        const failed = fails === undefined ? null : attempt(fails);
        const result = failed?.ok === false ? failed : attempt(work);
        if (result.ok) resolve(result.value as T);
        else reject(result.error);
      });
    });
  }

  #mkdir(path: string): void {
    let at = this.#top;
    for (const name of partsOf(path)) {
      let next = at.entries.get(name);
      if (next === undefined) {
        next = new Inode(true);
        at.entries.set(name, next);
        at.syncedEntries.set(name, next);
      }
      at = next;
    }
  }

  #create(path: string, flags: string): Inode {
    const { entries } = this.#parent(path);
    const name = nameOf(path);
    const existing = entries.get(name);
    if (existing !== undefined && flags.includes('x')) throw new DiskError('EEXIST', 'open', path);
    if (existing !== undefined) {
      existing.truncate(0);
      return existing;
    }
    if (this.weather.full) {
      this.#ports.watch.fault('disk: full');
      throw new DiskError('ENOSPC', 'open', path);
    }
    const inode = new Inode(false);
    entries.set(name, inode);
    this.#ports.watch.created(path);
    return inode;
  }

  #find(path: string): Inode | undefined {
    let at: Inode | undefined = this.#top;
    for (const name of partsOf(path)) at = at?.entries.get(name);
    return at;
  }

  #existing(path: string, call: string): Inode {
    const inode = this.#find(path);
    if (inode === undefined) throw new DiskError('ENOENT', call, path);
    return inode;
  }

  #folder(path: string, call: string): Inode {
    const inode = this.#existing(path, call);
    if (!inode.folder) throw new DiskError('ENOTDIR', call, path);
    return inode;
  }

  #parent(path: string): Inode {
    return this.#folder(path.slice(0, path.lastIndexOf('/')), 'open');
  }
}

type Attempt = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly error: unknown };

function attempt(work: () => unknown): Attempt {
  try {
    return { ok: true, value: work() };
  } catch (error) {
    return { ok: false, error };
  }
}

const partsOf = (path: string): string[] => path.split('/').filter((part) => part !== '');
const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1);
const statOf = ({ length, mtimeMs }: Inode) => ({
  size: length,
  mtimeMs,
  mtime: new Date(mtimeMs),
  atime: new Date(mtimeMs),
});
