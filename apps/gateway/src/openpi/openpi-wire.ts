import type { Clock } from '../clock.js';
import type { Outbox } from '../session/outbox.js';
import type { PacingMode } from '../session/pacing.js';
import type { Session } from '../session/session.js';
import type { Wire } from '../session/wire.js';
import { OpenLoop } from './open-loop.js';
import { OpenpiOutbox } from './openpi-outbox.js';
import type { OpenpiSocket } from './openpi-socket.js';
import type { OpenpiParameters } from './parameters.js';

/** One connection's side of its session. */
export class OpenpiWire implements Wire {
  readonly instructsLater = true;
  /** What the session speaks through, once there is one. */
  spoken: OpenpiOutbox | null = null;
  readonly #socket: OpenpiSocket;
  readonly #clock: Clock;
  readonly #parameters: OpenpiParameters;

  constructor(socket: OpenpiSocket, clock: Clock, parameters: OpenpiParameters) {
    this.#socket = socket;
    this.#clock = clock;
    this.#parameters = parameters;
  }

  outbox({ profile }: Session): Outbox {
    this.spoken = new OpenpiOutbox(this.#socket, this.#clock, this.#parameters, profile.robotType);
    return this.spoken;
  }

  pacing(session: Session): PacingMode {
    return new OpenLoop(session, this.#parameters.execute);
  }
}
