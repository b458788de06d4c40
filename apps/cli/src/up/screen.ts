import type { WriteStream } from 'node:tty';

const UP = (lines: number): string => (lines > 0 ? `\x1b[${lines}A` : '');
const CLEAR_BELOW = '\x1b[0J';
const HIDE_CURSOR = '\x1b[?25l';
const SHOW_CURSOR = '\x1b[?25h';

type Out = Pick<WriteStream, 'write' | 'columns' | 'rows'>;

/** A block of lines at the bottom of the terminal that is redrawn in place; messages scroll above it. */
export class Screen {
  #block: readonly string[] = [];
  #drawn = 0;

  constructor(private readonly out: Out) {}

  get width(): number {
    return this.out.columns || 80;
  }

  get height(): number {
    return this.out.rows || 24;
  }

  message(line: string): void {
    this.#redraw(`${line}\n`);
  }

  block(lines: readonly string[]): void {
    this.#block = lines;
    this.#redraw('');
  }

  /** Leaves the last block standing and gives the cursor back. */
  close(): void {
    this.#drawn = 0;
    this.#block = [];
    this.out.write(SHOW_CURSOR);
  }

  #redraw(above: string): void {
    // One write, so that no half-drawn frame is seen. A line that wrapped would break the count: cut to the width.
    const lines = this.#block.slice(0, this.height - 1).map((line) => [...line].slice(0, this.width - 1).join(''));
    const body = lines.map((line) => `${line}\n`).join('');
    this.out.write(`${HIDE_CURSOR}${UP(this.#drawn)}\r${CLEAR_BELOW}${above}${body}`);
    this.#drawn = lines.length;
  }
}
