// A process of the runner: runs the seeds that it is given, and answers what they came to.
import { count, emptyTally } from './tally.js';
import { World } from './world.js';

process.on('message', async ({ from, to }: { from: number; to: number }) => {
  const tally = emptyTally();
  for (let seed = from; seed < to; seed++) count(tally, await new World({ seed }).run());
  process.send?.(tally);
});
process.on('disconnect', () => process.exit());
