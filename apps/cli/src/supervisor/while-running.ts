import { EXIT_FOLDER_HELD } from '@sinew/config';
import { Failure } from '../failure.js';
import { readable } from '../up/trouble.js';
import { systemClock } from './clock.js';
import { type ChildLine, SupervisedProcess } from './supervised-process.js';

interface Part {
  readonly name: string;
  readonly entry: string;
  readonly environment: Readonly<Record<string, string>>;
}

/** The embedded database is made first where there is none: seconds, minutes on a busy machine. */
const READY_WITHIN_MS = 300_000;
const STOP_WITHIN_MS = 4000;
/** What a killed supervisor left behind holds its folder for up to ten seconds. */
const PREDECESSOR_MS = 15_000;

/** Runs `use` while one part runs beside this command, for as long as it takes. A part that dies early is a Failure. */
export async function whileRunning<T>(part: Part, use: (ready: ChildLine) => Promise<T>): Promise<T> {
  const died = new AbortController();
  const begun = systemClock.now();
  let lastWords: readonly string[] = [];
  const child = new SupervisedProcess(
    {
      name: part.name,
      entry: part.entry,
      environment: () => part.environment,
      readyWithinMs: READY_WITHIN_MS,
      stopWithinMs: STOP_WITHIN_MS,
      needs: [],
    },
    systemClock,
    (event) => {
      if (event.type !== 'exited' || event.restartInMs === null) return;
      if (event.exit.code === EXIT_FOLDER_HELD && systemClock.now() - begun < PREDECESSOR_MS) return;
      lastWords = event.exit.lastWords;
      died.abort();
    },
  );
  child.start();
  try {
    const ready = await child.whenReady(died.signal);
    if (ready === undefined) throw new Failure(`the ${part.name} does not start`, readable(lastWords));
    return await use(ready);
  } finally {
    await child.stop();
  }
}
