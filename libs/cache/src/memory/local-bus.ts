import type { Topic } from '../shared-state.js';

/** Listeners of this process. */
export class LocalBus {
  readonly #listeners = new Map<Topic, Set<(message: string) => void>>();

  subscribe(topic: Topic, listener: (message: string) => void): () => void {
    let listeners = this.#listeners.get(topic);
    if (listeners === undefined) {
      listeners = new Set();
      this.#listeners.set(topic, listeners);
    }
    // One function subscribed twice is two subscriptions, each with its own end.
    const own = (message: string) => listener(message);
    listeners.add(own);
    return () => void listeners.delete(own);
  }

  deliver(topic: Topic, message: string): void {
    for (const listener of [...(this.#listeners.get(topic) ?? [])]) listener(message);
  }
}
