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

type Labels<L extends string> = Readonly<Record<L, string>>;

/** Hot cells, one a combination of label values; they are made once and then kept by the caller. */
abstract class HotFamily<L extends string, Cell> {
  readonly #labels: readonly L[];
  readonly #cells = new Map<string, { readonly labels: Labels<L>; readonly cell: Cell }>();

  constructor(labels: readonly L[]) {
    this.#labels = labels;
  }

  /** By the labels' values, in the family's order. */
  cell(first: string, ...others: readonly string[]): Cell {
    const key = others.length === 0 ? first : `${first}\n${others.join('\n')}`;
    let known = this.#cells.get(key);
    if (known === undefined) {
      const values = [first, ...others];
      const labels = Object.fromEntries(this.#labels.map((label, i) => [label, values[i] ?? ''])) as Labels<L>;
      known = { labels, cell: this.create() };
      this.#cells.set(key, known);
    }
    return known.cell;
  }

  protected of(labels: Labels<L>): Cell {
    const [first = '', ...others] = this.#labels.map((label) => labels[label]);
    return this.cell(first, ...others);
  }

  protected cells(): IterableIterator<{ readonly labels: Labels<L>; readonly cell: Cell }> {
    return this.#cells.values();
  }

  protected abstract create(): Cell;
}

export class HotCounterFamily<L extends string> extends HotFamily<L, HotCounter> {
  constructor(registry: Registry, name: string, help: string, ...labels: readonly L[]) {
    super(labels);
    registerFamily(registry, name, help, 'counter', () =>
      [...this.cells()].map((known) => ({ labels: known.labels, value: known.cell.value })),
    );
  }

  inc(labels: Labels<L>): void {
    this.of(labels).inc();
  }

  protected create(): HotCounter {
    return new HotCounter();
  }
}

export class HotHistogramFamily<L extends string> extends HotFamily<L, HotHistogram> {
  readonly #bounds: readonly number[];

  constructor(registry: Registry, name: string, help: string, bounds: readonly number[], ...labels: readonly L[]) {
    super(labels);
    this.#bounds = bounds;
    registerFamily(registry, name, help, 'histogram', () =>
      [...this.cells()].flatMap((known) => known.cell.values(name, known.labels)),
    );
  }

  observe(labels: Labels<L>, value: number): void {
    this.of(labels).observe(value);
  }

  protected create(): HotHistogram {
    return new HotHistogram(this.#bounds);
  }
}
