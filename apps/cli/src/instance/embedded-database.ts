import { randomBytes } from 'node:crypto';
import { join } from 'node:path';

export const databaseFolder = (dataDir: string): string => join(dataDir, 'database');

/** Without this mark the database takes its files for broken: it sets them aside, once it holds the folder, and begins anew. */
export const databaseMark = (dataDir: string): string => join(databaseFolder(dataDir), 'pgdata.complete');

export const REBUILD_ADVICE = 'sinew migrate --rebuild makes the database anew from the journal';

export const newDatabasePassword = (): string => randomBytes(24).toString('base64url');

/** What the embedded database's process is told. `port` 0 lets it take any. */
export function databaseEnvironment(dataDir: string, port: number, password: string): Record<string, string> {
  return { SINEW_DB_DATA_DIR: databaseFolder(dataDir), SINEW_DB_PORT: String(port), SINEW_DB_PASSWORD: password };
}
