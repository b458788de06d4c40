import { expect, test } from 'vitest';
import { MUTATIONS } from './mutations.js';
import { RULES, type Rule } from './rules.js';
import { count, emptyTally } from './tally.js';
import { World } from './world.js';

const SEEDS = 60;

test(`[S2 S5 S6 J1 K3 …] ${SEEDS} worlds break no rule, and between them look at every one`, async () => {
  const tally = emptyTally();
  for (let seed = 1; seed <= SEEDS; seed++) count(tally, await new World({ seed }).run());
  expect(tally.failures).toEqual([]);
  // `fault` and S8 are only ever found broken.
  const silent = new Set<Rule>(['fault', 'S8']);
  const unseen = (Object.keys(RULES) as Rule[]).filter((rule) => !silent.has(rule) && !tally.checked[rule]);
  expect(unseen).toEqual([]);
}, 120_000);

test('the same seed is the same world, whatever ran before it', async () => {
  const hashes = new Map<number, string>();
  for (const seed of [3, 4, 5]) hashes.set(seed, (await new World({ seed }).run()).hash);
  for (const seed of [5, 3, 4]) expect((await new World({ seed }).run()).hash).toBe(hashes.get(seed));
  expect(new Set(hashes.values()).size).toBe(3);
}, 60_000);

test('a world that is stopped early is the beginning of the same one', async () => {
  const long = await new World({ seed: 6, traceLines: 10_000, steps: 300 }).run();
  const short = await new World({ seed: 6, traceLines: 10_000, steps: 100 }).run();
  expect(short.events).toBe(100);
  expect(long.trace.slice(0, short.trace.length)).toEqual(short.trace);
}, 60_000);

/** In so many worlds a break must be found. */
const PATIENCE = 40;

for (const mutation of MUTATIONS) {
  test(`the rules find it when ${mutation.name}`, async () => {
    for (let seed = 1; seed <= PATIENCE; seed++) {
      const { violation } = await new World({ seed, mutation }).run();
      if (violation === null) continue;
      expect(mutation.foundBy, violation.message).toContain(violation.rule);
      return;
    }
    expect.unreachable(`nothing was found in ${PATIENCE} worlds`);
  }, 60_000);
}
