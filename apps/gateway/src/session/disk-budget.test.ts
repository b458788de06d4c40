import { readJournal, saveCheckpoint } from '@sinew/journal';
import { expect, test } from 'vitest';
import type { StreamClient } from '../testing/stream-client.js';
import { KEY, OTHER_KEY, observation, startTestGateway } from '../testing/test-gateway.js';

/** Keeps observing until `done` says so of a frame that came. */
async function observeUntil(robot: StreamClient, seq: number, done: () => boolean): Promise<number> {
  for (let next = seq; ; next++) {
    if (done()) return next;
    robot.send(observation(next));
    const before = robot.received.length;
    await expect.poll(() => robot.received.length).toBeGreaterThan(before);
  }
}

const told = (robot: StreamClient, code: string): boolean =>
  robot.received.some((message) => message.type === 'notice' && message.code === code);

test('[J4] at its disk budget the gateway refuses new sessions and holds running ones; shipped, they go on', async () => {
  const server = await startTestGateway({ journalBudgetBytes: 60_000 });
  const robot = await server.robot({ control_hz: 50 });
  let seq = await observeUntil(robot, 0, () => told(robot, 'journal_full'));
  const full = robot.received.length;
  seq = await observeUntil(robot, seq, () =>
    robot.received.slice(full).some((message) => message.type === 'hold' && message.reason === 'starved'),
  );

  for (const key of [KEY, OTHER_KEY]) await expect(server.connect(key)).rejects.toThrow('HTTP 503');

  // What a shipper does once all of it is in the database.
  let position = { segment: 0, offset: 0 };
  for await (const { next } of readJournal({ dir: server.dir })) position = next;
  await saveCheckpoint(server.dir, { position, state: '{}' });
  const held = robot.received.length;
  await observeUntil(robot, seq, () => robot.received.slice(held).some(({ type }) => type === 'action'));
  expect((await server.robot()).received[0]).toMatchObject({ type: 'opened' });
  await server.stop();
});
