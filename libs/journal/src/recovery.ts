// What a starting writer learns from its predecessors' segments (J5): the highest id, the latches in force, bytes a customer.
import { loadShippedPosition } from './checkpoint.js';
import { type Latch, Latches } from './latches.js';
import { finishOverwrites } from './overwrite.js';
import { type JournalFault, SegmentWalk } from './reader.js';
import type { JournalRecord } from './records.js';
import { listSegments, loadHeader, type SegmentHeader } from './segment.js';

export type Usage = ReadonlyMap<string, number>;

export interface Recovered {
  /** Null in an empty folder. */
  readonly journal_id: string | null;
  /** The highest segment number ever used here; 0 = none. */
  readonly last_segment: number;
  readonly high_log_id: number;
  readonly latches: Latches;
  /** Bytes a customer, by segment. */
  readonly usage: ReadonlyMap<number, Usage>;
  /** Damage in what the last writer left: the torn end of a killed one, or worse. */
  readonly faults: readonly JournalFault[];
}

export async function recover(dir: string, nowMs: number): Promise<Recovered> {
  // A record that was half erased when its process died is no damage, and latches no robot.
  await finishOverwrites(dir);
  const segments = await listSegments(dir);
  const usage = new Map<number, Usage>();
  let newest: SegmentHeader | null = null;
  for (const segment of segments) {
    const header = await loadHeader(dir, segment);
    if (header === null) continue;
    newest = header;
    usage.set(header.segment - 1, new Map(Object.entries(header.previous_usage)));
  }
  const shipped = await loadShippedPosition(dir);
  const tail = await scanTail(dir, newest, segments, nowMs);
  for (const [segment, bytes] of tail.usage) usage.set(segment, bytes);
  return {
    journal_id: newest?.journal_id ?? null,
    last_segment: Math.max(0, segments.at(-1) ?? 0, shipped?.segment ?? 0),
    high_log_id: tail.high_log_id,
    latches: tail.latches,
    usage,
    faults: tail.faults,
  };
}

/** Replays from the newest sound header on: one segment, more only where headers are damaged. */
async function scanTail(dir: string, newest: SegmentHeader | null, segments: readonly number[], nowMs: number) {
  const faults: JournalFault[] = [];
  const latches = new Latches(newest?.latches ?? []);
  const usage = new Map<number, Map<string, number>>();
  const robots = new Map<string, Latch>();
  let high_log_id = newest?.high_log_id ?? 0;
  const from = { segment: newest?.segment ?? segments[0] ?? 0, offset: 0 };
  const walk = new SegmentWalk({ dir, from, onFault: (fault) => faults.push(fault) }, true);
  try {
    for (let entries = await walk.read(); entries.length > 0; entries = await walk.read()) {
      for (const { record, next, bytes } of entries) {
        high_log_id = Math.max(high_log_id, highestId(record));
        latches.apply(record);
        noteRobot(robots, record, nowMs);
        const segmentUsage = usage.get(next.segment) ?? new Map<string, number>();
        usage.set(next.segment, segmentUsage);
        segmentUsage.set(record.customer_id, (segmentUsage.get(record.customer_id) ?? 0) + bytes);
      }
    }
  } finally {
    await walk.close();
  }
  // Lost records in the middle may have held an e-stop. A torn end is what any kill within a write leaves: it latches nobody, though
  // an e-stop of the last milliseconds may be in it (its fsync is begun at once, but its answer does not wait for it).
  const doubt = faults.some((fault) => fault.reason === 'corrupt' || fault.reason === 'bad_header');
  if (doubt) for (const latch of robots.values()) latches.set(latch);
  return { high_log_id, latches, usage, faults };
}

function highestId(record: JournalRecord): number {
  return record.kind === 'inference' || record.kind === 'erased' ? (record.log_id ?? 0) : 0;
}

function noteRobot(robots: Map<string, Latch>, record: JournalRecord, nowMs: number): void {
  if (!('robot_id' in record) || record.robot_id === null) return;
  const { customer_id, robot_id } = record;
  const key = `${customer_id}\n${robot_id}`;
  if (!robots.has(key)) robots.set(key, { customer_id, robot_id, since_ms: nowMs, by: 'journal_damaged' });
}
