import { expect, test } from 'vitest';
import { VirtualTime } from './virtual-time.js';

test('events run in the order of their times, those of one moment in the order in which they were asked for', async () => {
  const time = new VirtualTime(0);
  const seen: [string, number][] = [];
  const note = (name: string) => () => void seen.push([name, time.now()]);
  time.after(20, note('c'));
  time.after(10, note('a'));
  time.after(10, note('b'));
  time.after(5, () => {
    time.after(5, note('asked later for the same moment'));
    time.after(0, note('at once'));
  });
  time.after(15, note('called off'))();
  await time.runUntil(() => false);
  expect(seen).toEqual([
    ['at once', 5],
    ['a', 10],
    ['b', 10],
    ['asked later for the same moment', 10],
    ['c', 20],
  ]);
});

test('time stands while an event works, and while what it began settles', async () => {
  const time = new VirtualTime(0);
  const seen: number[] = [];
  time.after(1, async () => {
    await new Promise((resolve) => setTimeout(resolve, 5));
    seen.push(time.now());
  });
  time.after(2, () => {
    const deep = async (n: number): Promise<void> => (n === 0 ? void seen.push(time.now()) : deep(n - 1));
    void deep(50);
  });
  time.after(3, () => void seen.push(time.now()));
  await time.runUntil(() => false);
  expect(seen).toEqual([1, 2, 3]);
});

test('who sleeps until a moment gets there, however the sum is rounded', async () => {
  const time = new VirtualTime(1_000_665.7575406726);
  const untilMs = 1_000_665.7575406727;
  let wakes = 0;
  const sleep = (): void => {
    wakes++;
    if (time.now() < untilMs) time.after(untilMs - time.now(), sleep);
  };
  sleep();
  await time.runUntil(() => wakes > 10);
  expect(wakes).toBeLessThan(3);
});
