import type { ShippedBatch } from '@sinew/db';
import type { Checkpoint, JournalEntry, JournalRecord, SegmentHeader } from '@sinew/journal';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ReadAhead } from './read-ahead.js';
import { Shipper } from './shipper.js';
import type { Refused } from './store-or-refuse.js';
import { CUSTOMER, close, incident, inference, open, reset, SESSION, START_MS, ticks } from './test-records.js';

/** A journal in memory: the n-th record ends at offset n. */
function journal(records: readonly JournalRecord[], limit: number) {
  return {
    from(checkpoint: Checkpoint | null) {
      let at = checkpoint?.position.offset ?? 0;
      const reader = {
        get position() {
          return { segment: 1, offset: at };
        },
        header: { writer_id: 'w' } as SegmentHeader,
        async read(): Promise<JournalEntry[]> {
          const entries = records.slice(at, at + limit).map((record, index) => ({
            record,
            next: { segment: 1, offset: at + index + 1 },
            bytes: 1,
            writer_id: 'w',
          }));
          at += entries.length;
          return entries;
        },
      };
      return new ReadAhead(reader, { records: limit, bytes: Number.POSITIVE_INFINITY });
    },
  };
}

class Crash extends Error {}

/** Database, checkpoint file and queues that outlive shippers, and fail or crash when `trouble` says so. */
class World {
  readonly rows = new Map<string, unknown>();
  readonly stores: ShippedBatch[] = [];
  readonly queued: number[] = [];
  readonly refused: unknown[] = [];
  checkpoint: Checkpoint | null = null;
  /** Its request stands under another id. */
  conflicting: number | null = null;
  now = START_MS;
  trouble: () => 'fail' | 'crash before' | 'crash after' | null = () => null;

  shipper(source: ReturnType<ReturnType<typeof journal>['from']>): Shipper {
    const ports = {
      source,
      store: {
        store: (batch: ShippedBatch, waiting?: () => void) => {
          waiting?.();
          return this.#at(() => this.#store(batch));
        },
        refuse: ({ row }: Refused) => this.#at(() => void this.refused.push(row)),
      },
      saveCheckpoint: (checkpoint: Checkpoint) =>
        this.#at(() => {
          this.checkpoint = checkpoint;
        }),
      queueStatistics: (hourMs: number) => this.#at(() => void this.queued.push(hourMs)),
      now: () => this.now,
    };
    return new Shipper(ports, this.checkpoint);
  }

  async #at<T>(work: () => T): Promise<T> {
    const trouble = this.trouble();
    if (trouble === 'fail') throw new Error('away');
    if (trouble === 'crash before') throw new Crash();
    const result = work();
    if (trouble === 'crash after') throw new Crash();
    return result;
  }

  #store(batch: ShippedBatch) {
    this.stores.push(batch);
    for (const row of batch.sessions) this.rows.set(row.session_id, row.closed_at);
    for (const row of batch.episodes) {
      row.instruction.normalize(); // as hashing it does
      this.rows.set(`${row.session_id}/${row.episode}`, row);
    }
    let inserted = 0;
    const conflicts: number[] = [];
    for (const row of batch.inferences) {
      Buffer.from(row.chunk);
      if (row.log_id === this.conflicting) conflicts.push(row.log_id);
      else if (!this.rows.has(String(row.log_id))) inserted++;
      if (row.log_id !== this.conflicting) this.rows.set(String(row.log_id), row);
    }
    return { inserted, repeated: batch.inferences.length - inserted - conflicts.length, conflicts, erased: 0 };
  }
}

/** Ships to the end; a crash starts a new shipper at the checkpoint, a failure is tried again. */
async function shipAll(world: World, records: readonly JournalRecord[], limit: number): Promise<void> {
  let shipper = world.shipper(journal(records, limit).from(world.checkpoint));
  for (;;) {
    try {
      const more = await shipper.ship();
      await shipper.queueFollowing();
      if (!more) return;
    } catch (error) {
      if (error instanceof Crash) shipper = world.shipper(journal(records, limit).from(world.checkpoint));
    }
  }
}

const STORY: JournalRecord[] = [
  open(),
  ...Array.from({ length: 6 }, (_, episode) => [
    inference({ log_id: 10 + episode, episode, t_ms: START_MS + episode * 1_000 }),
    ticks([3 * episode, 3 * episode + 1, 3 * episode + 2], { episode, t_ms: START_MS + episode * 1_000 + 500 }),
    reset(episode, episode % 2 === 0, START_MS + episode * 1_000 + 900),
  ]).flat(),
  close(),
];

/** Records of our kinds, with a sound checksum, as a faulty gateway would write them. */
const UNSOUND = [
  inference({ log_id: 99, t_ms: Number.NaN }),
  inference({ log_id: Number.NaN }),
  inference({ log_id: 98, shape: null as never }),
  inference({ log_id: 97, shape: [0, 2], chunk: null as never }),
  inference({ log_id: 95, instruction: null as never }),
  ticks([70], { t_ms: 1e300 }),
  ticks([70], { seq: null as never }),
  open({ event: 'resume', t_ms: Number.NaN }),
  open({ event: 'resume', instruction: null as never }),
  close({ t_ms: Number.NaN }),
  reset(0, true, Number.NaN),
  { ...reset(0, true), event: 'instruction', data: null as never },
  { ...reset(0, true), event: 'instruction', data: { instruction: 5 as never } },
] as JournalRecord[];

describe('Shipper', () => {
  it('[J3] whatever fails or crashes, and wherever, the rows end as if nothing had happened and each hour is queued', async () => {
    const calm = new World();
    await shipAll(calm, STORY, 100);
    const trouble = fc.constantFrom('fail', 'crash before', 'crash after', null, null);
    await fc.assert(
      fc.asyncProperty(
        fc.array(trouble, { maxLength: 30 }),
        fc.integer({ min: 1, max: 7 }),
        async (troubles, limit) => {
          const world = new World();
          const next = [...troubles];
          world.trouble = () => next.shift() ?? null;
          await shipAll(world, STORY, limit);
          expect(world.rows).toEqual(calm.rows);
          expect(new Set(world.queued)).toEqual(new Set(calm.queued));
          expect(world.checkpoint?.position.offset).toBe(STORY.length);
        },
      ),
      { numRuns: 100 },
    );
  });

  it('[J3] advances the checkpoint only after the rows are stored', async () => {
    const world = new World();
    let storing = true;
    world.trouble = () => (storing ? 'fail' : null);
    const shipper = world.shipper(journal(STORY, 4).from(null));
    await expect(shipper.ship()).rejects.toThrow('away');
    await shipper.close();
    expect(world.checkpoint).toBeNull();
    storing = false;
    await shipper.ship();
    expect(world.checkpoint?.position.offset).toBe(4);
  });

  it('[J3] stores the same rows again after a failed attempt, reading nothing twice', async () => {
    const world = new World();
    const failures: ('fail' | null)[] = ['fail', 'fail', null];
    world.trouble = () => failures.shift() ?? null;
    const shipper = world.shipper(journal(STORY, 100).from(null));
    await expect(shipper.ship()).rejects.toThrow('away');
    await expect(shipper.ship()).rejects.toThrow('away');
    expect(await shipper.ship()).toBe(true);
    expect(world.stores).toHaveLength(1);
    expect(shipper.counters).toMatchObject({ inserted: 6, repeated: 0, records: STORY.length });
  });

  it('[J3] puts aside each record that no row can be made of, and loses nothing around it', async () => {
    const calm = new World();
    await shipAll(calm, STORY, 100);
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.integer({ min: 1, max: STORY.length }), fc.constantFrom(...UNSOUND)), { maxLength: 8 }),
        fc.array(fc.constantFrom('fail', null, null), { maxLength: 20 }),
        fc.integer({ min: 1, max: 7 }),
        async (inserts, troubles, limit) => {
          const world = new World();
          const next = [...troubles];
          world.trouble = () => next.shift() ?? null;
          const story = [...STORY];
          for (const [at, unsound] of inserts) story.splice(at, 0, unsound);
          await shipAll(world, story, limit);
          expect(world.rows).toEqual(calm.rows);
          expect(world.refused).toEqual(story.filter((record) => UNSOUND.includes(record)));
        },
      ),
      { numRuns: 200 },
    );
  });

  it('[J3] puts aside an inference whose request stands under another id before the checkpoint passes it', async () => {
    const world = new World();
    world.conflicting = 12;
    const shipper = world.shipper(journal(STORY, 100).from(null));
    world.trouble = () => (world.stores.length === 1 ? 'fail' : null);
    await expect(shipper.ship()).rejects.toThrow('away');
    expect(world.checkpoint).toBeNull();
    world.trouble = () => null;
    expect(await shipper.ship()).toBe(true);
    expect(world.refused).toEqual([expect.objectContaining({ log_id: 12, instruction: expect.any(String) })]);
    expect(shipper.counters).toMatchObject({ conflicts: 1, refused: 0 });
    expect(world.checkpoint?.position.offset).toBe(STORY.length);
  });

  it('keeps the hours to queue in the checkpoint until the queues take them', async () => {
    const world = new World();
    const shipper = world.shipper(journal(STORY, 100).from(null));
    await shipper.ship();
    const next = world.shipper(journal(STORY, 100).from(world.checkpoint));
    await next.queueFollowing();
    expect(world.queued).toEqual([Date.UTC(2026, 0, 1), START_MS]);
  });

  it('keeps nothing of an erased customer in the checkpoint, and its sessions go on with what is said later', async () => {
    const world = new World();
    const story = [
      open({ instruction: 'an old secret' }),
      inference({ log_id: 20, instruction: 'an old secret' }),
      incident({ instruction: 'an old secret', proposed: [0.125], log_id: 20 }),
      inference({ log_id: 21, instruction: 'what is new', t_ms: START_MS + 5_000, request_id: SESSION }),
      reset(0, true, START_MS + 6_000),
      inference({ log_id: 22, instruction: 'what is new', t_ms: START_MS + 7_000, episode: 1, request_id: CUSTOMER }),
    ];
    const shipper = world.shipper(journal(story, 3).from(null));
    await shipper.ship();
    expect(world.checkpoint?.state).toContain('an old secret');
    const erasure = { customer_id: CUSTOMER, log_id: null, before: new Date(START_MS + 1_000) };
    expect(await shipper.forget([{ ...erasure, customer_id: SESSION }])).toBe(true);
    expect(world.checkpoint?.state).toContain('an old secret');
    expect(await shipper.forget([erasure])).toBe(true);
    expect(world.checkpoint?.state).not.toMatch(/an old secret|0\.125/);
    while (await shipper.ship());
    const episodes = world.stores.flatMap((batch) => batch.episodes).slice(1);
    expect(episodes.map(({ episode, instruction }) => [episode, instruction])).toEqual([
      [0, ''],
      [1, 'what is new'],
    ]);
  });

  it('forgets also what had been read ahead before it knew of the erasure', async () => {
    const world = new World();
    const secret = inference({ log_id: 11, episode: 0, instruction: 'an old secret', t_ms: START_MS });
    const records = [open({ instruction: '' }), secret, reset(0, true, START_MS + 500)];
    const shipper = world.shipper(journal(records, 1).from(null));
    await shipper.ship();
    expect(await shipper.forget([{ customer_id: CUSTOMER, log_id: null, before: new Date(START_MS + 1_000) }])).toBe(
      true,
    );
    await shipper.ship();
    expect(world.checkpoint?.position.offset).toBe(2);
    expect(world.checkpoint?.state).not.toContain('an old secret');
  });

  it('does not save a checkpoint beyond what is stored, also not to forget', async () => {
    const world = new World();
    const shipper = world.shipper(journal(STORY, 100).from(null));
    world.trouble = () => 'fail';
    await expect(shipper.ship()).rejects.toThrow('away');
    world.trouble = () => null;
    expect(await shipper.forget([{ customer_id: CUSTOMER, log_id: null, before: new Date(START_MS) }])).toBe(false);
    expect(world.checkpoint).toBeNull();
  });

  it('says how far the database is behind', async () => {
    const world = new World();
    const shipper = world.shipper(journal(STORY, 4).from(null));
    expect(shipper.lagMs()).toBe(0);
    await shipper.ship();
    world.now = START_MS + 60_000;
    expect(shipper.lagMs()).toBeGreaterThan(50_000);
    while (await shipper.ship());
    expect(shipper.lagMs()).toBe(0);
  });
});
