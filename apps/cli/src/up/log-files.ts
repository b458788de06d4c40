import { closeSync, fstatSync, mkdirSync, openSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';

const LARGEST_BYTES = 16 * 1024 * 1024;

interface Open {
  fd: number;
  bytes: number;
}

/** What the child processes log, one file a process under `logs/`, the one before kept as `.1`. */
export class LogFiles {
  readonly #open = new Map<string, Open>();

  constructor(private readonly dir: string) {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
  }

  path(name: string): string {
    return join(this.dir, `${name}.log`);
  }

  /** Synchronous on purpose: a few lines a second, and the last ones before a crash matter most. */
  append(name: string, text: string): void {
    const line = `${text}\n`;
    let file = this.#open.get(name) ?? this.#openFile(name);
    if (file.bytes + line.length > LARGEST_BYTES) {
      closeSync(file.fd);
      renameSync(this.path(name), `${this.path(name)}.1`);
      file = this.#openFile(name);
    }
    file.bytes += writeSync(file.fd, line);
  }

  close(): void {
    for (const { fd } of this.#open.values()) closeSync(fd);
    this.#open.clear();
  }

  #openFile(name: string): Open {
    const fd = openSync(this.path(name), 'a', 0o600);
    const file = { fd, bytes: fstatSync(fd).size };
    this.#open.set(name, file);
    return file;
  }
}
