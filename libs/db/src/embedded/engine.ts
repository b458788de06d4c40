import { existsSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import { vector } from '@electric-sql/pglite-pgvector';

/** The one backend session: wire-protocol bytes in, wire-protocol bytes out. Runs synchronously while it works. */
export interface Engine {
  exec(message: Uint8Array): Promise<Buffer>;
  close(): Promise<void>;
}

/**
 * Opens (or makes) the database in `folder`. A first start that was killed half way leaves a folder that looks like a
 * database and is none; the marker, written after the first successful opening, tells them apart.
 */
export async function openEngine(folder: string): Promise<Engine> {
  const data = join(folder, 'pgdata');
  const marker = join(folder, 'pgdata.complete');
  if (!existsSync(marker)) await rm(data, { recursive: true, force: true });
  await mkdir(data, { recursive: true, mode: 0o700 });
  const pglite = await PGlite.create({ dataDir: data, extensions: { vector } });
  if (!existsSync(marker)) await writeFile(marker, `${new Date().toISOString()}\n`);
  return engineOf(pglite);
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
