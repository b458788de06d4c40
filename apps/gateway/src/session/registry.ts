import type { Session } from './session.js';

const robotKey = (customerId: string, robotId: string): string => `${customerId}\n${robotId}`;

/** The live sessions of this gateway, by id and by (customer, robot): one robot has one session (S11). */
export class SessionRegistry {
  readonly #byId = new Map<string, Session>();
  readonly #byRobot = new Map<string, Session>();

  get size(): number {
    return this.#byId.size;
  }

  [Symbol.iterator](): IterableIterator<Session> {
    return this.#byId.values();
  }

  get(id: string): Session | undefined {
    return this.#byId.get(id);
  }

  ofRobot(customerId: string, robotId: string): Session | undefined {
    return this.#byRobot.get(robotKey(customerId, robotId));
  }

  add(session: Session): void {
    this.#byId.set(session.id, session);
    this.#byRobot.set(robotKey(session.profile.principal.customerId, session.profile.robotId), session);
  }

  remove(session: Session): void {
    this.#byId.delete(session.id);
    const key = robotKey(session.profile.principal.customerId, session.profile.robotId);
    if (this.#byRobot.get(key) === session) this.#byRobot.delete(key);
  }
}
