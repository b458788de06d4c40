import { existsSync } from 'node:fs';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import { vector } from '@electric-sql/pglite-pgvector';

/** The one backend session: wire-protocol bytes in, wire-protocol bytes out. Runs synchronously while it works. */
export interface Engine {
  exec(message: Uint8Array): Promise<Buffer>;
  close(): Promise<void>;
}

export interface OpenedEngine {
  readonly engine: Engine;
  /** It was made just now, empty: what a journal beside it holds is not in it. */
  readonly created: boolean;
  /** Where the files are that stood in its place; null when there were none. */
  readonly setAside: string | null;
}

/**
 * Opens (or makes) the database in `folder`. A first start that was killed half way leaves files that look like a database
 * and are none; the marker, written after the first successful opening, tells them apart. Files without it are set aside,
 * never deleted: it may be the marker that was lost.
 */
export async function openEngine(folder: string): Promise<OpenedEngine> {
  const data = join(folder, 'pgdata');
  const marker = join(folder, 'pgdata.complete');
  const created = !existsSync(marker) || !existsSync(data);
  let setAside: string | null = null;
  if (created && existsSync(data)) {
    setAside = `${data}.${new Date().toISOString().replaceAll(/[:.]/g, '-')}`;
    await rename(data, setAside);
  }
  await mkdir(data, { recursive: true, mode: 0o700 });
  const pglite = await PGlite.create({ dataDir: data, extensions: { vector } });
  if (!existsSync(marker)) await writeFile(marker, `${new Date().toISOString()}\n`);
  return { engine: engineOf(pglite), created, setAside };
}

export function engineOf(pglite: PGlite): Engine {
  return {
    async exec(message) {
      const parts: Buffer[] = [];
      await pglite.execProtocolRawStream(message, {
        // The engine reuses its output memory: copy.
        onRawData: (bytes) => parts.push(Buffer.from(bytes)),
      });
      return parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts);
    },
    close: () => pglite.close(),
  };
}
