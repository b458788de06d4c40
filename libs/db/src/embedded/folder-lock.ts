import { readFileSync } from 'node:fs';
import { link, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { v7 as uuidv7 } from 'uuid';

/** Two processes on one data folder corrupt it. */
export class FolderLocked extends Error {
  readonly pid: number;
  constructor(folder: string, pid: number) {
    super(`the database folder ${folder} is in use by process ${pid}`);
    this.name = 'FolderLocked';
    this.pid = pid;
  }
}

interface Holder {
  readonly pid: number;
  /** When that process began, in the kernel's words: a recycled pid is not the holder. */
  readonly started: string;
  readonly token: string;
}

/**
 * Takes `folder` for this process; answers how to give it back. A holder killed with SIGKILL leaves the file behind: it is
 * recognised as stale by pid and start time and taken over.
 */
export async function lockFolder(folder: string): Promise<() => Promise<void>> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, 'database.lock');
  const token = uuidv7();
  const mine = `${path}.${token}`;
  const holder: Holder = { pid: process.pid, started: processStart(process.pid) ?? '', token };
  await writeFile(mine, JSON.stringify(holder), { mode: 0o600 });
  try {
    while (!(await linked(mine, path))) {
      const other = await readHolder(path);
      if (other === null) continue;
      if (isAlive(other)) throw new FolderLocked(folder, other.pid);
      if (await takeOver(folder, path, other, mine)) break;
    }
  } finally {
    await rm(mine, { force: true });
  }
  return async () => {
    if ((await readHolder(path))?.token === token) await rm(path, { force: true });
  };
}

/**
 * Replaces a dead holder's lock by `mine`. Of many who see it dead, one may: who links the claim named after the dead one,
 * or, where that claimant died as well, the claim after it. The lock is never absent meanwhile, and whoever read it before
 * the replacement finds, claim in hand, another token in it and steps back.
 */
async function takeOver(folder: string, path: string, dead: Holder, mine: string): Promise<boolean> {
  const claims: string[] = [];
  for (let last = dead; ; ) {
    const claim = `${path}.after-${last.token}`;
    claims.push(claim);
    if (await linked(mine, claim)) break;
    const claimant = await readHolder(claim);
    if (claimant === null) return false;
    if (isAlive(claimant)) throw new FolderLocked(folder, claimant.pid);
    last = claimant;
  }
  const stillDead = (await readHolder(path))?.token === dead.token;
  if (stillDead) await rename(mine, path);
  // From the newest: while an older claim stands, nobody starts a second chain.
  for (const claim of claims.reverse()) await rm(claim, { force: true });
  return stillDead;
}

/** A hard link appears whole or not at all, and never replaces. */
async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  }
}

async function readHolder(path: string): Promise<Holder | null> {
  try {
    const value = JSON.parse(await readFile(path, 'utf8')) as Partial<Holder>;
    return { pid: value.pid ?? -1, started: value.started ?? '', token: value.token ?? '' };
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null;
    // Unreadable as JSON: nobody's. Locks are written whole before they get their name.
    if (error instanceof SyntaxError) return { pid: -1, started: '', token: '' };
    throw error;
  }
}

function isAlive(holder: Holder): boolean {
  if (holder.pid <= 0) return false;
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    // EPERM: it lives and is another user's.
    if (codeOf(error) !== 'EPERM') return false;
  }
  const started = processStart(holder.pid);
  return started === null || holder.started === '' || started === holder.started;
}

/** Boot and start time of a process where the system tells (Linux), else null: then the pid alone decides. */
function processStart(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // Field 22, counted after the command name, which may hold spaces and brackets.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    // A zombie (state Z) holds nothing any more.
    return fields[0] === 'Z' ? 'dead' : `${boot} ${fields[19] ?? ''}`;
  } catch {
    return null;
  }
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
