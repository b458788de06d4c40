import type { RobotStatus } from '@sinew/simulator';
import type { ProcessEvent } from '../supervisor/supervised-process.js';
import { robotSummary, robotTable } from './robot-table.js';
import type { Screen } from './screen.js';
import { readable, TroubleFilter } from './trouble.js';

/** How `sinew up` shows itself. */
export interface View {
  message(text: string): void;
  robots(rows: readonly RobotStatus[]): void;
  close(): void;
}

/** On a terminal: one table, redrawn in place, messages above it. */
export class TableView implements View {
  constructor(
    private readonly screen: Screen,
    private readonly footer: string,
  ) {}

  message(text: string): void {
    this.screen.message(text);
  }

  robots(rows: readonly RobotStatus[]): void {
    if (rows.length === 0) return;
    const { width, height } = this.screen;
    this.screen.block([...robotTable(rows, width - 1, height - 3), this.footer]);
  }

  close(): void {
    this.screen.close();
  }
}

const SUMMARY_EVERY_MS = 5000;

/** Elsewhere: plain lines, one about the robots every few seconds. */
export class PlainView implements View {
  #lastSummary = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly write: (line: string) => void,
    private readonly now: () => number,
  ) {}

  message(text: string): void {
    this.write(`sinew: ${text}`);
  }

  robots(rows: readonly RobotStatus[]): void {
    if (rows.length === 0 || this.now() - this.#lastSummary < SUMMARY_EVERY_MS) return;
    this.#lastSummary = this.now();
    this.write(`sinew: ${robotSummary(rows)}`);
  }

  close(): void {}
}

/** With --json: stdout holds the ready line alone; trouble goes to stderr. */
export class QuietView implements View {
  constructor(private readonly write: (line: string) => void) {}

  message(text: string): void {
    this.write(`sinew: ${text}`);
  }

  robots(): void {}
  close(): void {}
}

/** Turns what happens to the processes into what a person at the terminal has to know. */
export class Narrator {
  readonly #trouble = new TroubleFilter();
  readonly #died = new Set<string>();

  constructor(
    private readonly say: (text: string) => void,
    private readonly now: () => number,
  ) {}

  hear(process: string, event: ProcessEvent): void {
    switch (event.type) {
      case 'ready':
        if (this.#died.delete(process)) this.say(`${process}: back`);
        return;
      case 'log': {
        const line = this.#trouble.pick(process, event.text, this.now());
        if (line !== null) this.say(line);
        return;
      }
      case 'exited': {
        const { exit, restartInMs } = event;
        if (restartInMs === null) return; // we told it to
        this.#died.add(process);
        const how = exit.signal === null ? `exit ${exit.code}` : exit.signal;
        this.say(`${process}: ended (${how}), restarting in ${(restartInMs / 1000).toFixed(1)} s`);
        if (exit.signal === null) for (const line of readable(exit.lastWords).slice(-4)) this.say(`  ${line}`);
        return;
      }
      case 'started':
      case 'line':
        return;
    }
  }
}
