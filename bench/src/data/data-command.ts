import type { OptionTable, Values } from '@sinew/config';
import { BenchError, defineCommand, progress } from '../command.js';
import type { Figure, Findings } from '../result.js';
import { median } from '../stats/median.js';
import { percentileFigures } from '../stats/percentile-figures.js';
import { type JournalRate, journalRate } from './journal-rate.js';
import { scratchDatabase } from './scratch-database.js';
import { type ShippingResult, shippingRate } from './shipping-rate.js';
import { type VectorResult, vectorSearch } from './vector-search.js';

const PARTS = ['journal', 'ship', 'vectors'] as const;

const OPTIONS = {
  database_url: {
    type: 'string',
    default: null,
    secret: true,
    env: 'DATABASE_URL',
    help: 'a PostgreSQL server, on which the bench makes a database of its own and drops it; without it, an embedded one',
  },
  only: { type: 'list', default: [...PARTS], help: `parts: ${PARTS.join(', ')}` },
  rounds: { type: 'integer', default: 5, min: 1, max: 100, help: 'of shipping and of the journal' },
  rows: { type: 'integer', default: 20_000, min: 100, max: 1_000_000, help: 'inferences shipped a round' },
  records: { type: 'integer', default: 100_000, min: 1_000, max: 10_000_000, help: 'appended to the journal a round' },
  vectors: { type: 'integer', default: 100_000, min: 100, max: 1_000_000, help: 'stored, of 384 numbers' },
  searches: { type: 'integer', default: 500, min: 50, max: 100_000, help: 'for the ten nearest' },
  spread: {
    type: 'choice',
    default: 'uniform',
    choices: ['uniform', 'clustered'],
    help: 'random directions, the worst for recall, or 1,000 of them with noise around each',
  },
} as const satisfies OptionTable;

export interface DataResult {
  /** What stored the rows; null where none was asked for. */
  readonly database: string | null;
  readonly embedded: boolean;
  readonly journal: readonly JournalRate[];
  readonly shipping: ShippingResult | null;
  readonly vectors: VectorResult | null;
}

/** As a gateway runs by default, without syncing, and with a sync as soon as one is done. */
const FSYNC_MODES = [50, null, 0] as const;

export async function measureData(options: Values<typeof OPTIONS>): Promise<DataResult> {
  const unknown = options.only.find((part) => !(PARTS as readonly string[]).includes(part));
  if (unknown !== undefined)
    throw new BenchError(`--only: there is no part "${unknown}"; there are ${PARTS.join(', ')}`);
  const wanted = (part: (typeof PARTS)[number]): boolean => options.only.includes(part);
  const journal: JournalRate[] = [];
  for (let round = 1; wanted('journal') && round <= options.rounds; round++) {
    progress(`journal, round ${round} of ${options.rounds}`);
    for (const mode of FSYNC_MODES) journal.push(await journalRate(options.records, mode));
  }
  if (!wanted('ship') && !wanted('vectors')) {
    return { database: null, embedded: false, journal, shipping: null, vectors: null };
  }
  const database = await scratchDatabase(options.database_url);
  try {
    return {
      database: database.about,
      embedded: database.kind === 'embedded',
      journal,
      shipping: wanted('ship') ? await shippingRate(database, options.rows, options.rounds) : null,
      vectors: wanted('vectors')
        ? await vectorSearch(database, options.vectors, options.searches, options.spread)
        : null,
    };
  } finally {
    await database.remove();
  }
}

function findings({ database, embedded, journal, shipping, vectors }: DataResult): Findings {
  const figures: Figure[] = [];
  const rate = (name: string, label: string, rounds: readonly number[], more: Partial<Figure> = {}): void => {
    if (rounds.length === 0) return;
    figures.push({
      name,
      label,
      unit: 'rows/s',
      better: 'higher',
      value: median(rounds),
      rounds: [...rounds],
      ...more,
    });
  };
  for (const mode of FSYNC_MODES) {
    const rounds = journal.filter(({ fsync_ms }) => fsync_ms === mode);
    const name = `data.journal.fsync_${mode ?? 'none'}`;
    const label = `journal, ${mode === null ? 'no fsync' : `fsync every ${mode} ms`}`;
    const goal = mode === 50 ? { goal: { op: '>=', value: 50_000 } as const } : {};
    rate(
      `${name}.written_per_s`,
      `${label}: appended and written`,
      rounds.map((round) => round.written_per_s),
      goal,
    );
    if (mode !== null)
      rate(
        `${name}.synced_per_s`,
        `${label}: on the disk`,
        rounds.map((round) => round.synced_per_s),
      );
  }
  if (shipping !== null) {
    const prefix = embedded ? 'data.embedded.ship' : 'data.ship';
    const told = <T>(values: readonly (T | null)[]): T[] => values.filter((value) => value !== null);
    rate(
      `${prefix}.rows_per_s`,
      'shipped, journal to committed row',
      shipping.rounds.map((round) => round.shipped_per_s),
    );
    rate(
      `${prefix}.copy_rows_per_s`,
      'raw COPY of the same rows',
      told(shipping.rounds.map((round) => round.copied_per_s)),
      {
        better: 'neither',
      },
    );
    rate(`${prefix}.over_copy`, 'shipping over COPY', told(shipping.rounds.map(({ ratio }) => ratio)), {
      unit: '×',
      goal: { op: '>=', value: 0.5 },
    });
    rate(
      `${prefix}.cpu_us`,
      'CPU of the shipper',
      shipping.rounds.map((round) => round.shipper_cpu_us),
      {
        unit: 'µs/row',
        better: 'lower',
      },
    );
  }
  if (vectors !== null) {
    const prefix = `data.${embedded ? 'embedded.' : ''}vectors.${vectors.spread}`;
    for (const { ef_search, latency_ms, recall } of vectors.searches) {
      const id = `${prefix}.ef${ef_search}`;
      figures.push(...percentileFigures(id, `ten nearest of ${vectors.vectors}, ef_search ${ef_search}`, latency_ms));
      figures.push({
        name: `${id}.recall`,
        label: `recall@10, ef_search ${ef_search}`,
        unit: '',
        better: 'higher',
        value: recall,
      });
    }
    figures.push(...percentileFigures(`${prefix}.exact`, 'ten nearest, exactly', vectors.exact_ms));
    figures.push({
      name: `${prefix}.index_s`,
      label: 'building the index',
      unit: 's',
      better: 'lower',
      value: vectors.index_s,
    });
  }
  return { figures, notes: database === null ? [] : [`database: ${embedded ? 'embedded, ' : ''}${database}`] };
}

export const data = defineCommand({
  summary: 'Journal appends, shipping rows against COPY of the same rows, vector search over 100,000.',
  options: OPTIONS,
  measure: measureData,
  findings,
});
