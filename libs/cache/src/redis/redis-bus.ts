import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import { LocalBus } from '../memory/local-bus.js';
import { TOPICS, type Topic } from '../shared-state.js';

const channelOf = (topic: Topic): string => `sinew:bus:${topic}`;

/** News over Redis' publish and subscribe. Listeners of this process hear of it at once, and without Redis too. */
export class RedisBus {
  readonly #publisher: Redis;
  readonly #subscriber: Redis;
  readonly #local = new LocalBus();
  /** One's own news comes back from Redis and is known already. */
  readonly #origin = randomUUID();

  /** `subscriber`: a connection of its own, which resubscribes by itself when it comes back. */
  constructor(publisher: Redis, subscriber: Redis) {
    this.#publisher = publisher;
    this.#subscriber = subscriber;
    const topics = new Map(TOPICS.map((topic) => [channelOf(topic), topic]));
    subscriber.on('message', (channel: string, text: string) => {
      const topic = topics.get(channel);
      const at = text.indexOf(' ');
      if (topic !== undefined && text.slice(0, at) !== this.#origin) this.#local.deliver(topic, text.slice(at + 1));
    });
  }

  /** Rejects where Redis is away. */
  async listen(): Promise<void> {
    await this.#subscriber.subscribe(...TOPICS.map(channelOf));
  }

  deliver(topic: Topic, message: string): void {
    this.#local.deliver(topic, message);
  }

  /** To the other gateways. Rejects where Redis is away. */
  async send(topic: Topic, message: string): Promise<void> {
    await this.#publisher.publish(channelOf(topic), `${this.#origin} ${message}`);
  }

  subscribe(topic: Topic, listener: (message: string) => void): () => void {
    return this.#local.subscribe(topic, listener);
  }
}
