/** What one call took, over many calls: a mean hides the one that a robot waits for. */
export interface Spread {
  readonly name: string;
  readonly samples: number;
  readonly p50_us: number;
  readonly p99_us: number;
  readonly max_us: number;
}

/** One call of what is measured. `prepare`, untimed, makes what call `n` is about. */
export interface TimedCall<T> {
  readonly prepare: (n: number) => T;
  readonly call: (input: T) => unknown | Promise<unknown>;
}

/** Share of the samples that is thrown away first. */
const WARM_UP = 0.1;

/** Times each of `samples` calls by itself; reading the clock (well under 0.1 µs) is in every figure. */
export async function timeEach<T>(
  name: string,
  { call, prepare }: TimedCall<T>,
  samples: number,
  clock: () => number = () => performance.now(),
): Promise<Spread> {
  const took = new Float64Array(samples);
  const warmUp = Math.ceil(WARM_UP * samples);
  for (let n = 0; n < warmUp + samples; n++) {
    const input = prepare(n);
    const begin = clock();
    const result = call(input);
    if (result instanceof Promise) await result;
    const end = clock();
    if (n >= warmUp) took[n - warmUp] = (end - begin) * 1_000;
  }
  took.sort();
  const at = (share: number): number => Number((took[Math.ceil(share * samples) - 1] ?? 0).toFixed(2));
  return { name, samples, p50_us: at(0.5), p99_us: at(0.99), max_us: at(1) };
}
