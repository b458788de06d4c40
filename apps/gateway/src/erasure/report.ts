import type { ErasureBody } from '@sinew/contracts';
import { type ErasurePart, type ErasureRow, type JournalPlace, journalPart, shipperPart, TABLES_PART } from '@sinew/db';

type Counts = Record<string, number>;

/** What a gateway says of its journal, kept as the counts of its part. */
export interface JournalCounts {
  readonly removed: Counts;
  readonly blanked: Counts;
  readonly removed_before: number;
  readonly unreadable_bytes: number;
}

const KEPT = {
  account: {
    what: 'customer, API keys, consent and the record of its changes',
    why: 'the account goes on; who consented to what must be provable',
  },
  billing: {
    what: 'usage_days: how many inferences a day, and their price',
    why: 'bookkeeping is a legal duty; no content stands in it',
  },
  frames: {
    what: 'sessions, episodes and resets: ids, robot, model, times, counters, outcome',
    why: 'they count what ran; instructions, environments, clients and limits are gone',
  },
  incidents: {
    what: 'safety incidents: when, which robot, kind, severity',
    why: 'kept for ever, for whoever may be hurt by the robot; instruction, actions and the link to the inference are gone',
  },
  estops: {
    what: 'e-stops and their releases',
    why: 'a stopped robot must stay stopped; the words with them are gone',
  },
  statistics: {
    what: 'instruction_hours, instruction_analytics: sums over all customers by the hash of an instruction',
    why: 'they hold neither text nor customer; what was counted stays counted',
  },
  summaries: { what: 'summaries (materialised views)', why: 'they follow at their next refresh' },
  answers: { what: 'answers remembered for repeated requests', why: 'forgotten 60 seconds after they were given' },
  erasure: { what: 'this request and its report', why: 'it keeps what it covers from coming back' },
  disk: {
    what: 'blocks that the file system or the database has freed',
    why: 'they are overwritten by use; journals are overwritten in place, as far as the disk does what it is told',
  },
} as const;

const BACKUPS =
  'Backups are not searched: they go by their expiry. Neither are copies of the database that `sinew migrate --rebuild` set aside: delete those.';

/** The report of an erasure, from what is known of its parts; one that is finished is told as it was then. */
export function erasureReport(
  row: ErasureRow,
  parts: readonly ErasurePart[],
  journals: readonly JournalPlace[],
): ErasureBody {
  const byName = new Map(parts.map((part) => [part.part, part]));
  const tables = (byName.get(TABLES_PART)?.counts ?? {}) as { removed?: Counts; blanked?: Counts };
  const pending = row.finished_at === null ? pendingParts(byName, journals) : [];
  return {
    erasure_id: row.erasure_id,
    customer_id: row.customer_id,
    log_id: row.log_id,
    before: row.before.toISOString(),
    requested_at: row.requested_at.toISOString(),
    finished_at: row.finished_at?.toISOString() ?? null,
    status: row.finished_at === null ? 'running' : 'complete',
    tables: { removed: tables.removed ?? {}, blanked: tables.blanked ?? {} },
    journals: journals.flatMap(({ journal_id, node }) => {
      const part = byName.get(journalPart(journal_id));
      return part === undefined || part.counts.removed === undefined
        ? []
        : [{ journal_id, node, ...(part.counts as unknown as JournalCounts) }];
    }),
    kept:
      row.log_id === null
        ? Object.values(KEPT)
        : [KEPT.incidents, KEPT.billing, KEPT.statistics, KEPT.summaries, KEPT.answers, KEPT.erasure, KEPT.disk],
    pending,
    backups: BACKUPS,
  };
}

export function pendingParts(
  byName: ReadonlyMap<string, ErasurePart>,
  journals: readonly JournalPlace[],
): ErasureBody['pending'] {
  const open = (name: string): boolean => (byName.get(name)?.done_at ?? null) === null;
  const trouble = (name: string): string | null => byName.get(name)?.trouble ?? null;
  const ofJournals = journals.flatMap(({ journal_id, node, has_shipper, last_seen_at }) => {
    const place = { journal_id, node, last_seen_at: last_seen_at.toISOString() };
    const [own, shipper] = [journalPart(journal_id), shipperPart(journal_id)];
    return [
      ...(open(own) ? [{ part: 'journal' as const, ...place, trouble: trouble(own) }] : []),
      ...(has_shipper && open(shipper) ? [{ part: 'shipper' as const, ...place, trouble: trouble(shipper) }] : []),
    ];
  });
  const tables = { part: 'tables' as const, journal_id: null, node: null, last_seen_at: null };
  return open(TABLES_PART) ? [{ ...tables, trouble: trouble(TABLES_PART) }, ...ofJournals] : ofJournals;
}
