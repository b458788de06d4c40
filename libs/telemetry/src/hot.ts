import type { MetricObjectWithValues, MetricValue, Registry } from 'prom-client';

/**
 * Metrics for the control tick. prom-client hashes labels and allocates at every observation; at 20,000 ticks/s that is
 * measurable, so these keep plain numbers and take part in the registry only when it is scraped.
 */
export class HotCounter {
  value = 0;

  inc(by = 1): void {
    this.value += by;
  }
}

/** A histogram with fixed upper bounds; `observe` neither allocates nor hashes. Unit: whatever the bounds are in (seconds by name). */
export class HotHistogram {
  readonly #bounds: readonly number[];
  readonly #counts: Float64Array;
  #sum = 0;

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#counts = new Float64Array(bounds.length + 1);
  }

  observe(value: number): void {
    if (!(value >= 0)) return;
    let at = 0;
    while (at < this.#bounds.length && value > (this.#bounds[at] as number)) at++;
    this.#counts[at] = (this.#counts[at] as number) + 1;
    this.#sum += value;
  }

  /** Cumulative buckets in exposition form. */
  values(name: string, labels: Record<string, string>): MetricValue<string>[] {
    const out: MetricValue<string>[] = [];
    let total = 0;
    for (let i = 0; i <= this.#bounds.length; i++) {
      total += this.#counts[i] as number;
      const le = i < this.#bounds.length ? String(this.#bounds[i]) : '+Inf';
      out.push({ metricName: `${name}_bucket`, labels: { ...labels, le }, value: total } as MetricValue<string>);
    }
    out.push({ metricName: `${name}_sum`, labels, value: this.#sum } as MetricValue<string>);
    out.push({ metricName: `${name}_count`, labels, value: total } as MetricValue<string>);
    return out;
  }
}

type Kind = 'counter' | 'histogram' | 'gauge';

/** Registers a family whose values are read at scrape time only. */
export function registerFamily(
  registry: Registry,
  name: string,
  help: string,
  kind: Kind,
  read: () => MetricValue<string>[],
): void {
  const metric = {
    name,
    help,
    type: kind,
    aggregator: 'sum',
    collect() {},
    reset() {},
    get: async (): Promise<MetricObjectWithValues<MetricValue<string>>> =>
      ({ name, help, type: kind, aggregator: 'sum', values: read() }) as unknown as MetricObjectWithValues<
        MetricValue<string>
      >,
  };
  // prom-client types only its own classes here, but asks for nothing beyond `name` and `get`.
  registry.registerMetric(metric as unknown as Parameters<Registry['registerMetric']>[0]);
}

/** One family of hot counters, a cell a label value; cells are made once and then kept by the caller. */
export class HotCounterFamily<L extends string> {
  readonly #cells = new Map<string, HotCounter>();

  constructor(
    registry: Registry,
    name: string,
    help: string,
    private readonly label: L,
  ) {
    registerFamily(registry, name, help, 'counter', () =>
      [...this.#cells].map(([value, cell]) => ({ labels: { [this.label]: value }, value: cell.value })),
    );
  }

  cell(value: string): HotCounter {
    let cell = this.#cells.get(value);
    if (cell === undefined) {
      cell = new HotCounter();
      this.#cells.set(value, cell);
    }
    return cell;
  }
}
