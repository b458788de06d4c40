import { setTimeout as pause } from 'node:timers/promises';
import { StreamClient } from '../testing/stream-client.js';
import type { ChaosInstance } from './chaos-instance.js';

const CLIENTS = 3;
/** Two of them may be under way, which a lockstep session allows. */
const EVERY_MS = 8;
const LOOK_EVERY = 20;

/** Has long chunks inferred, and so recorded, until `done`. */
export async function fillJournal(
  instance: ChaosInstance,
  done: () => Promise<boolean>,
  withinMs = 60_000,
): Promise<void> {
  const clients = await Promise.all(
    Array.from({ length: CLIENTS }, async (_, i) => {
      const client = await StreamClient.connect(instance.port, instance.ready.api_key ?? '');
      client.send({
        type: 'open',
        robot_type: 'franka_panda',
        robot_id: `filler-${i}`,
        instruction: 'pick up the red cube',
        model: 'bulky',
        pacing: 'lockstep',
      });
      await client.next('opened');
      return client;
    }),
  );
  const deadline = performance.now() + withinMs;
  try {
    for (let seq = 0; seq % LOOK_EVERY > 0 || !(await done()); seq++) {
      if (performance.now() > deadline) throw new Error(`the journal is not full within ${withinMs / 1000} s`);
      for (const client of clients) {
        client.received.length = 0;
        client.send({
          type: 'observation',
          seq,
          captured_at_ms: performance.now(),
          images: {},
          state: Float64Array.from([0, 0, 0.14, 0, 0, 0, 1]),
        });
      }
      await pause(EVERY_MS);
    }
  } finally {
    for (const client of clients) client.terminate();
  }
}
