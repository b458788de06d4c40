const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
/** npm and a shell may both pass on one Ctrl-C: signals this close together count as one. */
const SAME_MS = 700;

export interface StopSignals {
  /** Resolves at the first signal. */
  readonly requested: Promise<void>;
  dispose(): void;
}

/** The first signal asks for an orderly stop; a later one calls `force`. */
export function listenForStop(force: () => void): StopSignals {
  let first: number | null = null;
  let resolve: () => void = () => undefined;
  const requested = new Promise<void>((done) => {
    resolve = done;
  });
  const heard = (): void => {
    const now = performance.now();
    if (first === null) {
      first = now;
      resolve();
    } else if (now - first > SAME_MS) {
      force();
    }
  };
  for (const signal of SIGNALS) process.on(signal, heard);
  return {
    requested,
    dispose: () => {
      for (const signal of SIGNALS) process.off(signal, heard);
    },
  };
}
