import { expect, it } from 'vitest';
import { Screen } from './screen.js';

/** A terminal of these dimensions, reduced to what the screen uses: cursor up, clear below, newlines. */
class FakeTerminal {
  readonly columns = 20;
  readonly rows = 6;
  lines: string[] = [''];
  #row = 0;

  write(text: string): boolean {
    for (const part of text.replaceAll('\x1b[', '\r␛').split(/(␛[?\d]*[A-Za-z]|\n|\r)/)) {
      const up = /^␛(\d+)A$/.exec(part);
      if (up) this.#row -= Number(up[1]);
      else if (part === '␛0J') this.lines = [...this.lines.slice(0, this.#row), ''];
      else if (part === '\n') this.lines[++this.#row] ??= '';
      else if (part !== '' && part !== '\r' && !part.startsWith('␛')) this.lines[this.#row] += part;
    }
    return true;
  }
}

it('redraws its block in place and lets messages scroll above it', () => {
  const terminal = new FakeTerminal();
  const screen = new Screen(terminal as never);
  screen.block(['robot  Hz', 'a      1']);
  screen.block(['robot  Hz', 'a      2', 'b      3']);
  screen.message('gateway restarted');
  screen.block(['robot  Hz', 'a      4']);
  expect(terminal.lines).toEqual(['gateway restarted', 'robot  Hz', 'a      4', '']);
});

it('cuts lines that would wrap and blocks that would scroll: both would break the redrawing', () => {
  const terminal = new FakeTerminal();
  const screen = new Screen(terminal as never);
  screen.block(Array.from({ length: 9 }, (_, i) => `${i} ${'x'.repeat(40)}`));
  screen.block(Array.from({ length: 9 }, (_, i) => `${i} ${'y'.repeat(40)}`));
  expect(terminal.lines).toEqual([...Array.from({ length: 5 }, (_, i) => `${i} ${'y'.repeat(17)}`), '']);
});
