import type { StartTimer } from './connection.js';
import { openEngine } from './engine.js';
import { lockFolder } from './folder-lock.js';
import { EMBEDDED_DATABASE, EMBEDDED_USER, startWireServer } from './wire-server.js';

export interface EmbeddedOptions {
  /** The database's own folder; made where it is missing. */
  readonly dataDir: string;
  /** 0 takes any free port. */
  readonly port: number;
  readonly password: string;
  readonly host?: string;
  /** The engine threw; the database cannot go on and the process should end. */
  readonly engineFailed?: (cause: unknown) => void;
  /** For tests, which own the time. */
  readonly startTimer?: StartTimer;
}

export interface EmbeddedDatabase {
  /** `postgresql://…` with the password: for `createPool`. */
  readonly url: string;
  readonly port: number;
  /** It was made just now, empty: what a journal beside it holds is not in it. */
  readonly created: boolean;
  /** Where the files are that stood in its place without being known as a whole database; null when there were none. */
  readonly setAside: string | null;
  close(): Promise<void>;
}

/**
 * PostgreSQL in this process: PGlite with pgvector on `dataDir` behind a wire socket on loopback. A query blocks this
 * process's event loop while it runs, so everything but tests starts it as a process of its own (`embedded/main.js`).
 */
export async function startEmbedded(options: EmbeddedOptions): Promise<EmbeddedDatabase> {
  const host = options.host ?? '127.0.0.1';
  const unlock = await lockFolder(options.dataDir);
  try {
    const { engine, created, setAside } = await openEngine(options.dataDir);
    const engineFailed =
      options.engineFailed ??
      ((cause: unknown) => {
        throw cause;
      });
    const server = await startWireServer({
      engine,
      password: options.password,
      host,
      port: options.port,
      engineFailed,
      ...(options.startTimer === undefined ? {} : { startTimer: options.startTimer }),
    });
    return {
      url: embeddedUrl(host, server.port, options.password),
      port: server.port,
      created,
      setAside,
      async close() {
        await server.close();
        await unlock();
      },
    };
  } catch (error) {
    await unlock();
    throw error;
  }
}

export function embeddedUrl(host: string, port: number, password: string): string {
  return `postgresql://${EMBEDDED_USER}:${encodeURIComponent(password)}@${host}:${port}/${EMBEDDED_DATABASE}`;
}
