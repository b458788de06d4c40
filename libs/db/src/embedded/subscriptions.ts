import type { ListenAction } from './sql-scan.js';

/**
 * Who listens to what. The backend is one session, so it listens to the union and would deliver a notification only to
 * the connection that happens to speak; and one connection's UNLISTEN would end everybody's.
 */
export class Subscriptions<Listener> {
  readonly #channels = new Map<string, Set<Listener>>();

  listeners(channel: string): ReadonlySet<Listener> {
    return this.#channels.get(channel) ?? new Set();
  }

  /**
   * Applies what `listener`'s committed transaction did. Answers the SQL that brings the backend back in line: LISTEN for
   * what others still want, UNLISTEN for what nobody does.
   */
  apply(listener: Listener, actions: readonly ListenAction[]): string {
    const before = new Set(this.#channels.keys());
    let all = false;
    for (const action of actions) {
      if (action.kind === 'unlisten_all') {
        this.#dropAll(listener);
        all = true;
      } else if (action.kind === 'unlisten') this.#drop(listener, action.channel);
      else this.#add(listener, action.channel);
    }
    const touched = all ? before : new Set(actions.flatMap((a) => (a.kind === 'unlisten_all' ? [] : [a.channel])));
    return [...touched].map((channel) => this.#sql(channel)).join('');
  }

  /** A connection is gone. Answers the SQL that ends what only it listened to. */
  remove(listener: Listener): string {
    const mine = [...this.#channels].filter(([, who]) => who.has(listener)).map(([channel]) => channel);
    this.#dropAll(listener);
    return mine
      .filter((channel) => !this.#channels.has(channel))
      .map((channel) => this.#sql(channel))
      .join('');
  }

  #add(listener: Listener, channel: string): void {
    const who = this.#channels.get(channel);
    if (who === undefined) this.#channels.set(channel, new Set([listener]));
    else who.add(listener);
  }

  #drop(listener: Listener, channel: string): void {
    const who = this.#channels.get(channel);
    who?.delete(listener);
    if (who?.size === 0) this.#channels.delete(channel);
  }

  #dropAll(listener: Listener): void {
    for (const channel of [...this.#channels.keys()]) this.#drop(listener, channel);
  }

  #sql(channel: string): string {
    const name = `"${channel.replaceAll('"', '""')}"`;
    return this.#channels.has(channel) ? `LISTEN ${name};` : `UNLISTEN ${name};`;
  }
}
