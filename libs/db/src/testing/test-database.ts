import { cpSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openEngine } from '../embedded/engine.js';
import { type EmbeddedDatabase, type EmbeddedOptions, startEmbedded } from '../embedded/start-embedded.js';

export const TEST_PASSWORD = 'correct horse battery staple';

/**
 * A fresh, empty database folder: a copy of one made once a version of the engine, because making one takes seconds and
 * copying it does not. Remove it with `rmSync`.
 */
export async function freshDataDir(): Promise<string> {
  const template = await templateDir();
  const folder = mkdtempSync(join(tmpdir(), 'sinew-db-'));
  cpSync(template, folder, { recursive: true });
  return folder;
}

export interface TestDatabase extends EmbeddedDatabase {
  readonly dataDir: string;
}

/** An embedded database in this process, gone with `close`. Share one a test file. */
export async function startTestDatabase(options: Partial<EmbeddedOptions> = {}): Promise<TestDatabase> {
  const dataDir = options.dataDir ?? (await freshDataDir());
  const database = await startEmbedded({ port: 0, password: TEST_PASSWORD, ...options, dataDir });
  return {
    ...database,
    dataDir,
    async close() {
      await database.close();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

async function templateDir(): Promise<string> {
  const cache = fileURLToPath(new URL('../../../../node_modules/.cache/sinew', import.meta.url));
  const template = join(cache, `database-${engineVersion()}`);
  if (existsSync(template)) return template;
  mkdirSync(cache, { recursive: true });
  const making = mkdtempSync(join(cache, 'making-'));
  const { engine } = await openEngine(making);
  await engine.close();
  try {
    renameSync(making, template);
  } catch (error) {
    // Another test process was faster.
    rmSync(making, { recursive: true, force: true });
    if (!existsSync(template)) throw error;
  }
  return template;
}

function engineVersion(): string {
  const entry = createRequire(import.meta.url).resolve('@electric-sql/pglite');
  const manifest = createRequire(import.meta.url)(join(dirname(entry), '..', 'package.json')) as { version: string };
  return manifest.version;
}
