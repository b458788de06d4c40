// `npm run test:sim -- --seeds 10000`, and `-- --seed 17 --trace` for one of them.
import { fork } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { RULES } from './rules.js';
import { add, emptyTally, type Tally } from './tally.js';
import { World } from './world.js';

const SEEDS_A_TURN = 10;
const TRACED_LINES = 100_000;
const SHOWN_FAILURES = 20;
const PROGRESS_MS = 5_000;
/** A world's garbage is young: more room for it halves what collecting costs. */
const WORKER_OPTIONS = ['--max-semi-space-size=64'];

const USAGE = `usage: npm run test:sim -- [options]

The gateway in worlds drawn from seeds, its rules held against every event. Exit code 1 where one is broken, with the seed.

  --seeds N    so many worlds, one after the other on every core [default 1000]
  --from N     the first of them [default 1]
  --workers N  processes [default: cores]
  --seed N     one world instead; the same seed is the same world
  --trace      with --seed: all that happened in it
  --steps N    with --seed: only its beginning
`;

const { values } = given();

function given() {
  try {
    return parseArgs({
      options: {
        seeds: { type: 'string', default: '1000' },
        from: { type: 'string', default: '1' },
        seed: { type: 'string' },
        trace: { type: 'boolean', default: false },
        steps: { type: 'string' },
        workers: { type: 'string', default: String(Math.max(1, availableParallelism())) },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
    process.exit(2);
  }
}
if (values.help) {
  process.stdout.write(USAGE);
  process.exit(0);
}

const say = (line: string): void => void process.stdout.write(`${line}\n`);

function whole(name: string, text: string): number {
  const number = Number(text);
  if (Number.isSafeInteger(number) && number >= 0) return number;
  process.stderr.write(`--${name} takes a whole number, and "${text}" is none\n`);
  process.exit(2);
}

/** One seed, in this process; true where it broke no rule. */
async function one(seed: number): Promise<boolean> {
  const steps = values.steps === undefined ? {} : { steps: whole('steps', values.steps) };
  const world = new World({ seed, ...steps, traceLines: values.trace ? TRACED_LINES : 0 });
  const { events, hash, trace, violation, virtualMs } = await world.run();
  for (const line of trace) say(line);
  say(`seed ${seed}: ${events} events in ${(virtualMs / 1_000).toFixed(1)} s of its time, hash ${hash}`);
  if (violation === null) return true;
  say(`at ${violation.atMs.toFixed(3)} ms, with event ${events}: ${violation.message}`);
  if (!values.trace) say(`what led there: npm run test:sim -- --seed ${seed} --trace`);
  return false;
}

/** Many, over all cores. */
async function many(from: number, seeds: number): Promise<Tally> {
  const total = emptyTally();
  const end = from + seeds;
  let next = from;
  const startedMs = performance.now();
  let saidMs = startedMs;
  const progress = (): void => {
    const now = performance.now();
    if (now - saidMs < PROGRESS_MS) return;
    saidMs = now;
    const rate = (total.seeds * 1_000) / (now - startedMs);
    say(`${total.seeds} of ${seeds} seeds, ${rate.toFixed(0)} a second, ${total.failures.length} failed`);
  };
  const script = fileURLToPath(new URL('./worker.js', import.meta.url));
  const work = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const child = fork(script, { execArgv: WORKER_OPTIONS });
      const turn = (): void => {
        if (next >= end) {
          child.disconnect();
          return resolve();
        }
        const to = Math.min(end, next + SEEDS_A_TURN);
        child.send({ from: next, to });
        next = to;
      };
      child.on('message', (tally) => {
        add(total, tally as Tally);
        for (const { message, seed } of (tally as Tally).failures) say(`seed ${seed} broke ${message.split('\n')[0]}`);
        progress();
        turn();
      });
      child.once('exit', (code) => {
        if (code !== 0) reject(new Error(`a worker ended with ${code}`));
      });
      turn();
    });
  const workers = Math.min(whole('workers', values.workers), Math.ceil(seeds / SEEDS_A_TURN));
  await Promise.all(Array.from({ length: Math.max(1, workers) }, work));
  const seconds = (performance.now() - startedMs) / 1_000;
  say(
    `${total.seeds} seeds in ${seconds.toFixed(0)} s: ${total.events} events, ${(total.virtualMs / 3_600_000).toFixed(1)} hours of simulated time`,
  );
  return total;
}

function report({ checked, failures, faults }: Tally): void {
  say('\nwhat went wrong on purpose:');
  for (const [name, n] of Object.entries(faults).sort()) say(`  ${String(n).padStart(9)}  ${name}`);
  say('\nwhat was checked, how often:');
  for (const [rule, text] of Object.entries(RULES)) {
    say(`  ${String(checked[rule] ?? 0).padStart(11)}  ${rule.padEnd(5)}  ${text}`);
  }
  failures.sort((a, b) => a.seed - b.seed);
  for (const { message, seed } of failures.slice(0, SHOWN_FAILURES)) {
    say(`\nseed ${seed} broke ${message.split('\n')[0]}\n  npm run test:sim -- --seed ${seed} --trace`);
  }
  if (failures.length > SHOWN_FAILURES) say(`… and ${failures.length - SHOWN_FAILURES} more`);
  say(failures.length === 0 ? '\nno seed broke a rule' : `\n${failures.length} seeds broke a rule`);
}

if (values.seed !== undefined) process.exitCode = (await one(whole('seed', values.seed))) ? 0 : 1;
else {
  const tally = await many(whole('from', values.from), whole('seeds', values.seeds));
  report(tally);
  process.exitCode = tally.failures.length === 0 ? 0 : 1;
}
