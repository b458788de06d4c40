import type { FeedbackGround, FeedbackRow } from '@sinew/db';
import { LOG_ID_EPOCH_MS, LogIds, type TailAnswer } from '@sinew/journal';
import { expect, test } from 'vitest';
import { LogFinder } from './log-finder.js';

const MINE = '01900000-0000-7000-8000-000000000001';
const THEIRS = '01900000-0000-7000-8000-000000000002';
const NOW = LOG_ID_EPOCH_MS + 1_000_000;
const OWN_LOG = new LogIds(0).next(NOW);
const FOREIGN_LOG = new LogIds(7).next(NOW);

const MISSING: FeedbackGround = { log: null, feedback_id: null, earlier: null };
const IN_DATABASE: FeedbackGround = { log: { action: [1], model_name: 'm' }, feedback_id: 5, earlier: null };
const inTail = (customer_id: string): TailAnswer => ({
  kind: 'found',
  log: { log_id: OWN_LOG, customer_id, model_id: 'm', action: [2] },
});

function bench(answers: readonly FeedbackGround[], tail: TailAnswer = { kind: 'absent' }) {
  const world = { nowMs: NOW, asked: 0, tailAsked: 0 };
  const finder = new LogFinder({
    database: {
      find: async () => answers[Math.min(world.asked++, answers.length - 1)] ?? MISSING,
      nextId: async () => 9,
    },
    tail: {
      find: async () => {
        world.tailAsked++;
        return tail;
      },
    },
    node: () => 0,
    now: () => world.nowMs,
    wait: async (ms) => {
      world.nowMs += ms;
    },
  });
  return { finder, world };
}

test('what the database has is found by one question', async () => {
  const { finder, world } = bench([IN_DATABASE]);
  expect(await finder.find(MINE, OWN_LOG, null)).toEqual({ kind: 'log', log: IN_DATABASE.log, feedback_id: 5 });
  expect(world).toMatchObject({ asked: 1, tailAsked: 0 });
});

test('a key that was used before ends the search', async () => {
  const row = { feedback_id: 3 } as FeedbackRow;
  const { finder } = bench([{ ...MISSING, earlier: row }]);
  expect(await finder.find(MINE, OWN_LOG, 'key')).toEqual({ kind: 'earlier', row });
});

test('what is only in the journal is found for its own customer', async () => {
  const found = { kind: 'log', log: { action: [2], model_name: 'm' }, feedback_id: 9 };
  expect(await bench([MISSING], inTail(MINE)).finder.find(MINE, OWN_LOG, null)).toEqual(found);
  expect(await bench([MISSING], inTail(THEIRS)).finder.find(MINE, OWN_LOG, null)).toEqual({ kind: 'missing' });
});

test('a log that is shipped between the two questions is found by the third', async () => {
  const { finder } = bench([MISSING, IN_DATABASE]);
  expect(await finder.find(MINE, OWN_LOG, null)).toMatchObject({ kind: 'log', feedback_id: 5 });
});

test('an own log that is nowhere is missing at once', async () => {
  const { finder, world } = bench([MISSING]);
  expect(await finder.find(MINE, OWN_LOG, null)).toEqual({ kind: 'missing' });
  expect(world).toMatchObject({ asked: 2, nowMs: NOW });
});

test('a log of another gateway is waited for, three seconds at most', async () => {
  const late = bench([MISSING, MISSING, MISSING, MISSING, IN_DATABASE]);
  expect(await late.finder.find(MINE, FOREIGN_LOG, null)).toMatchObject({ kind: 'log' });
  expect(late.world.asked).toBe(5);
  const never = bench([MISSING]);
  expect(await never.finder.find(MINE, FOREIGN_LOG, null)).toEqual({ kind: 'missing' });
  expect(never.world.nowMs - NOW).toBe(3_000);
});

test('an old log of another gateway is not waited for', async () => {
  const { finder, world } = bench([MISSING]);
  expect(await finder.find(MINE, new LogIds(7).next(NOW - 600_001), null)).toEqual({ kind: 'missing' });
  expect(world.nowMs).toBe(NOW);
});

test('a log whose time has not come is missing without a search', async () => {
  const { finder, world } = bench([MISSING], inTail(MINE));
  expect(await finder.find(MINE, new LogIds(0).next(NOW + 61_000), null)).toEqual({ kind: 'missing' });
  expect(world).toMatchObject({ asked: 1, tailAsked: 0 });
});

test('where the journal is too far ahead to remember, nobody is told that the log is not there', async () => {
  const { finder } = bench([MISSING], { kind: 'behind' });
  await expect(finder.find(MINE, OWN_LOG, null)).rejects.toMatchObject({ code: 'unavailable' });
  const shipped = bench([MISSING, IN_DATABASE], { kind: 'behind' });
  expect(await shipped.finder.find(MINE, OWN_LOG, null)).toMatchObject({ kind: 'log' });
});
