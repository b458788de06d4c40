import type {
  EpisodeRow,
  HeldInference,
  IncidentRow,
  InferenceRow,
  QualityFailureRow,
  SessionRow,
  ShippedBatch,
  StoreResult,
} from '@sinew/db';
import type { JournalRecord } from '@sinew/journal';

type TaggedRow =
  | { readonly table: 'sessions'; readonly row: SessionRow }
  | { readonly table: 'episodes'; readonly row: EpisodeRow }
  | { readonly table: 'inferences'; readonly row: InferenceRow }
  | { readonly table: 'incidents'; readonly row: IncidentRow }
  | { readonly table: 'held'; readonly row: HeldInference }
  | { readonly table: 'failures'; readonly row: QualityFailureRow };

/** A row, or a record of the journal that no row can be made of. */
export type Refused = TaggedRow | { readonly table: 'journal'; readonly row: JournalRecord };

export interface RowStore {
  /** One transaction; rejects where the database is away or refuses a row. */
  store(batch: ShippedBatch, waiting?: () => void): Promise<StoreResult>;
  /** Keeps what the database will never take, with its reason, where a person finds it. */
  refuse(refused: Refused, error: unknown): Promise<void>;
}

export interface Stored {
  readonly inserted: number;
  readonly repeated: number;
  /** Inferences put aside because another one holds their place. */
  readonly conflicts: number;
  readonly refused: number;
}

/**
 * Stores a batch. Rejects where the database is away: then the batch must be stored again. Where the database refuses the
 * data itself, trying again cannot help, and one bad row must not hold up all behind it: the batch is halved until the row
 * stands alone, and that row is put aside. So are rows whose place another one holds.
 */
export async function storeOrRefuse(store: RowStore, batch: ShippedBatch, waiting?: () => void): Promise<Stored> {
  let result: StoreResult;
  try {
    result = await store.store(batch, waiting);
  } catch (error) {
    if (!isDataFault(error)) throw error;
    const rows = tagged(batch);
    const [only] = rows;
    if (only !== undefined && rows.length === 1) {
      await store.refuse(only, error);
      return { inserted: 0, repeated: 0, conflicts: 0, refused: 1 };
    }
    const middle = Math.ceil(rows.length / 2);
    const first = await storeOrRefuse(store, batchOf(rows.slice(0, middle)));
    const second = await storeOrRefuse(store, batchOf(rows.slice(middle)));
    return {
      inserted: first.inserted + second.inserted,
      repeated: first.repeated + second.repeated,
      conflicts: first.conflicts + second.conflicts,
      refused: first.refused + second.refused,
    };
  }
  const conflicts = new Set(result.conflicts);
  const displaced = batch.inferences.filter(({ log_id }) => conflicts.has(log_id));
  for (const row of displaced)
    await store.refuse({ table: 'inferences', row }, new Error('another inference holds its id'));
  return { inserted: result.inserted, repeated: result.repeated, conflicts: displaced.length, refused: 0 };
}

/** SQLSTATE classes 22 (data exception) and 23 (constraint violation): the row's fault, not the database's state. */
function isDataFault(error: unknown): boolean {
  if (typeof error !== 'object' || error === null || !('code' in error)) return false;
  return typeof error.code === 'string' && /^2[23][0-9A-Z]{3}$/.test(error.code);
}

function tagged(batch: ShippedBatch): TaggedRow[] {
  return [
    ...batch.sessions.map((row) => ({ table: 'sessions' as const, row })),
    ...batch.episodes.map((row) => ({ table: 'episodes' as const, row })),
    ...batch.inferences.map((row) => ({ table: 'inferences' as const, row })),
    ...batch.incidents.map((row) => ({ table: 'incidents' as const, row })),
    ...batch.held.map((row) => ({ table: 'held' as const, row })),
    ...batch.failures.map((row) => ({ table: 'failures' as const, row })),
  ];
}

function batchOf(rows: readonly TaggedRow[]): ShippedBatch {
  return {
    sessions: rows.flatMap((row) => (row.table === 'sessions' ? [row.row] : [])),
    episodes: rows.flatMap((row) => (row.table === 'episodes' ? [row.row] : [])),
    inferences: rows.flatMap((row) => (row.table === 'inferences' ? [row.row] : [])),
    incidents: rows.flatMap((row) => (row.table === 'incidents' ? [row.row] : [])),
    held: rows.flatMap((row) => (row.table === 'held' ? [row.row] : [])),
    failures: rows.flatMap((row) => (row.table === 'failures' ? [row.row] : [])),
  };
}
