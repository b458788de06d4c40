import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** How a running instance describes itself to other commands. Holds the database password: mode 0600. */
export interface RunFile {
  readonly version: 1;
  /** Of `sinew up` itself. */
  readonly pid: number;
  readonly started_at: string;
  readonly http: string;
  readonly ws: string;
  /** With password. */
  readonly database_url: string;
  /** Whether the database is the embedded one (and dies with this instance). */
  readonly embedded: boolean;
  readonly redis_url: string | null;
  /** Process ids of the children, by name: database, gateway, worker, shipper, sim. */
  readonly pids: Readonly<Record<string, number>>;
}

export const runFilePath = (dataDir: string): string => join(dataDir, 'run.json');
export const demoKeyPath = (dataDir: string): string => join(dataDir, 'demo.key');

/** Creates the data folder, readable for its owner only: it holds keys and what robots saw. */
export function ensureDataDir(dataDir: string): void {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
}

export function writeRunFile(dataDir: string, run: RunFile): void {
  writePrivateFile(runFilePath(dataDir), `${JSON.stringify(run, null, 2)}\n`);
}

/** The run file, or null when there is none. Says nothing about whether that instance still lives. */
export function readRunFile(dataDir: string): RunFile | null {
  let text: string;
  try {
    text = readFileSync(runFilePath(dataDir), 'utf8');
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
  const parsed: unknown = JSON.parse(text);
  if (typeof parsed !== 'object' || parsed === null || !('version' in parsed) || parsed.version !== 1) {
    throw new Error(`${runFilePath(dataDir)} was written by another version of sinew; delete it`);
  }
  return parsed as RunFile;
}

export function removeRunFile(dataDir: string): void {
  rmSync(runFilePath(dataDir), { force: true });
}

export function readDemoKey(dataDir: string): string | null {
  try {
    return readFileSync(demoKeyPath(dataDir), 'utf8').trim() || null;
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}

export function writeDemoKey(dataDir: string, key: string): void {
  writePrivateFile(demoKeyPath(dataDir), `${key}\n`);
}

/** Whole or not at all (rename), and never readable for others, not even for a moment. */
function writePrivateFile(path: string, text: string): void {
  const temporary = `${path}.${process.pid}.tmp`;
  rmSync(temporary, { force: true });
  writeFileSync(temporary, text, { mode: 0o600, flag: 'wx' });
  renameSync(temporary, path);
}

const isMissing = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'ENOENT';
