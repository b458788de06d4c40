/** Counters and histograms of `/metrics` (Prometheus text exposition), read twice: what happened between is the difference. */
export class MetricsPage {
  readonly #samples: readonly Sample[];

  private constructor(samples: readonly Sample[]) {
    this.#samples = samples;
  }

  static parse(text: string): MetricsPage {
    const samples: Sample[] = [];
    for (const line of text.split('\n')) {
      const match = LINE.exec(line);
      if (match === null) continue;
      const [, name = '', labels = '', value = ''] = match;
      const pairs = [...labels.matchAll(LABEL)].map(([, key = '', text = '']) => [key, text] as const);
      samples.push({ name, labels: Object.fromEntries(pairs), value: Number(value) });
    }
    return new MetricsPage(samples);
  }

  static async fetch(http: string): Promise<MetricsPage> {
    const response = await fetch(`${http}/metrics`);
    if (!response.ok) throw new Error(`${http}/metrics answered ${response.status}`);
    return MetricsPage.parse(await response.text());
  }

  /** The sum over all label values. */
  total(name: string): number {
    return this.#of(name).reduce((sum, { value }) => sum + value, 0);
  }

  /** By the value of one label. */
  by(name: string, label: string): Map<string, number> {
    const out = new Map<string, number>();
    for (const { labels, value } of this.#of(name)) {
      const key = labels[label];
      if (key !== undefined) out.set(key, (out.get(key) ?? 0) + value);
    }
    return out;
  }

  #of(name: string): Sample[] {
    return this.#samples.filter((sample) => sample.name === name);
  }
}

interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const LINE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)/;
const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g;

/** What each key grew by; keys that did not grow are left out. */
export function growth(before: Map<string, number>, after: Map<string, number>): Record<string, number> {
  const out: Record<string, number> = {};
  for (const [key, value] of after) {
    const grown = value - (before.get(key) ?? 0);
    if (grown > 0) out[key] = grown;
  }
  return out;
}

/** Cumulative `le` buckets to a count a bucket: `1`, `2`, `3-4`, … */
export function bucketCounts(before: Map<string, number>, after: Map<string, number>): Record<string, number> {
  const out: Record<string, number> = {};
  let below = 0;
  let from = 0;
  for (const [le, value] of after) {
    const upTo = value - (before.get(le) ?? 0);
    const bound = Number(le === '+Inf' ? Number.POSITIVE_INFINITY : le);
    if (upTo > below) out[bound === from + 1 ? le : `${from + 1}-${le}`] = upTo - below;
    below = upTo;
    from = bound;
  }
  return out;
}
