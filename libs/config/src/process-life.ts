export type StopCause = 'SIGTERM' | 'SIGINT' | 'supervisor gone';

/**
 * Exit code of a process whose folder another live process holds: often one that a killed supervisor left behind, which is
 * on its way out.
 */
export const EXIT_FOLDER_HELD = 3;

/** For an orderly end without a supervisor that waits for it. */
const ORPHAN_LIMIT_MS = 10_000;

/**
 * For process entries: calls `stop` once, when this process is told to leave or when the supervisor that started it died
 * (its IPC channel closes then, however it died). Started by hand there is no channel, and only signals count.
 */
export function onStopRequested(stop: (cause: StopCause) => void): void {
  let told = false;
  const once = (cause: StopCause): void => {
    if (told) return;
    told = true;
    stop(cause);
  };
  process.on('SIGTERM', () => once('SIGTERM'));
  process.on('SIGINT', () => once('SIGINT'));
  if (process.channel === undefined || process.channel === null) return;
  process.once('disconnect', () => {
    // A supervisor would end this process when it takes too long; now nobody else does.
    setTimeout(() => process.exit(1), ORPHAN_LIMIT_MS).unref();
    once('supervisor gone');
  });
}

/** The one line on stdout by which a supervisor knows that this process serves. */
export function announceReady(details: Readonly<Record<string, unknown>> = {}): void {
  process.stdout.write(`${JSON.stringify({ event: 'ready', pid: process.pid, ...details })}\n`);
}
