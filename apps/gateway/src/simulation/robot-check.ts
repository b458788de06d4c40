import type { LimitsInForce } from '@sinew/control';
import type { ServerMessage } from '@sinew/protocol';
import type { RuleBook } from './rules.js';
import type { VirtualRobot } from './virtual-robot.js';

/** Who tells which tick it executed last is known exactly; others are known as well as their age is. */
const EXACT_M = 1e-4;
const LEASH_M = 0.08;

/** K2 from the robot's side: where it really is after what it was told. */
export class RobotCheck {
  readonly #robot: VirtualRobot;
  readonly #book: RuleBook;
  #box: { readonly min: readonly number[]; readonly max: readonly number[] } | null = null;
  #paced = false;

  constructor(robot: VirtualRobot, book: RuleBook) {
    this.#robot = robot;
    this.#book = book;
  }

  /** After the robot has done what it says. */
  received(message: ServerMessage): void {
    if (message.type === 'opened') {
      this.#box = (message.robot as LimitsInForce).workspace;
      this.#paced = message.pacing === 'paced';
    }
    if (!this.#paced || this.#box === null || (message.type !== 'action' && message.type !== 'hold')) return;
    const { max, min } = this.#box;
    const at = this.#robot.body.state();
    const slack = this.#robot.character.tellsApplied ? EXACT_M : LEASH_M;
    for (let d = 0; d < 3; d++) {
      const x = (at[d] ?? 0) + (message.values[d] ?? 0);
      const over = Math.max((min[d] ?? 0) - x, x - (max[d] ?? 0));
      this.#book.check('K2', over <= slack, () => {
        return `${this.#robot.name}, tick ${message.seq}: ${'xyz'[d]} = ${x} is ${over} m outside`;
      });
    }
  }
}
