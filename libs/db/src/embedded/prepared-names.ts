import { FRONTEND, message, readCString } from './wire-frames.js';

/**
 * Named prepared statements live in the one backend session and would collide between connections: each connection's
 * names get its own prefix. The unnamed statement cannot be renamed (a Parse replaces it silently, which a name does
 * not), so its text is kept and parsed again when another connection's statement took its place.
 */
export class PreparedNames {
  readonly #prefix: string;
  readonly #names = new Set<string>();
  #unnamedParse: Buffer | null = null;

  constructor(connection: number) {
    this.#prefix = `c${connection}_`;
  }

  /** This connection's last Parse of the unnamed statement, as bytes to send again; null if there was none. */
  get unnamedParse(): Buffer | null {
    return this.#unnamedParse;
  }

  /** A simple Query drops the unnamed statement, in the backend as here. */
  dropUnnamed(): void {
    this.#unnamedParse = null;
  }

  /** What the backend is to see instead of `frontend` (a view on it where nothing changes). */
  rewriteBorrow(frontend: Buffer): { readonly bytes: Buffer; readonly unnamed: 'parse' | 'use' | null } {
    switch (frontend[0]) {
      case FRONTEND.parse: {
        const name = readCString(frontend, 5);
        if (name.text === '') {
          this.#unnamedParse = Buffer.from(frontend);
          return { bytes: frontend, unnamed: 'parse' };
        }
        this.#names.add(name.text);
        return {
          bytes: message(FRONTEND.parse, this.#prefix, name.text, '\0', frontend.subarray(name.next)),
          unnamed: null,
        };
      }
      case FRONTEND.bind: {
        const portal = readCString(frontend, 5);
        const name = readCString(frontend, portal.next);
        if (name.text === '') return { bytes: frontend, unnamed: 'use' };
        return {
          bytes: message(FRONTEND.bind, portal.text, '\0', this.#prefix, name.text, '\0', frontend.subarray(name.next)),
          unnamed: null,
        };
      }
      case FRONTEND.describe:
      case FRONTEND.close: {
        const type = frontend[0];
        if (frontend[5] !== 0x53) return { bytes: frontend, unnamed: null };
        const name = readCString(frontend, 6);
        if (name.text === '') return { bytes: frontend, unnamed: type === FRONTEND.describe ? 'use' : null };
        if (type === FRONTEND.close) this.#names.delete(name.text);
        return { bytes: message(type, 'S', this.#prefix, name.text, '\0'), unnamed: null };
      }
      default:
        return { bytes: frontend, unnamed: null };
    }
  }

  /** Close messages for everything this connection left prepared, for when it is gone. */
  closeAll(): Buffer[] {
    const closes = [...this.#names].map((name) => message(FRONTEND.close, 'S', this.#prefix, name, '\0'));
    this.#names.clear();
    return closes;
  }
}
