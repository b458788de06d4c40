import { expect, it } from 'vitest';
import { saveCheckpoint } from './checkpoint.js';
import { CUSTOMER, estop, inference, withFolder } from './fixtures.js';
import { LogTail } from './log-tail.js';
import { type Position, readJournal } from './reader.js';
import { JournalWriter } from './writer.js';

const writerIn = (dir: string, segmentBytes?: number) =>
  JournalWriter.open({
    dir,
    node: 0,
    budgetBytes: 64 * 1024 * 1024,
    fsyncMs: 0,
    now: () => 1_800_000_000_000,
    ...(segmentBytes === undefined ? {} : { segmentBytes }),
  });

const append = (writer: JournalWriter, ...ids: number[]) =>
  new Promise<void>((resolve) => {
    for (const id of ids) {
      const chunk = new Uint8Array(Float32Array.of(id, 0.5, 7, 8).buffer);
      writer.append(inference(id, { chunk, shape: [2, 2] }), id === ids.at(-1) ? resolve : undefined);
    }
  });

/** Where the record of this inference ends. */
async function endOf(dir: string, logId: number): Promise<Position> {
  for await (const { record, next } of readJournal({ dir })) if (record.log_id === logId) return next;
  throw new Error(`no record of ${logId}`);
}

const ship = async (dir: string, logId: number) =>
  saveCheckpoint(dir, { position: await endOf(dir, logId), state: '{}' });

async function withTail(
  run: (dir: string, writer: JournalWriter, tail: LogTail) => Promise<void>,
  options: { mostLogs?: number; segmentBytes?: number; pause?: () => Promise<unknown> } = {},
): Promise<void> {
  await withFolder(async (dir) => {
    const writer = await writerIn(dir, options.segmentBytes);
    const tail = new LogTail({ dir, ...options });
    try {
      await run(dir, writer, tail);
    } finally {
      await tail.close();
      await writer.close();
    }
  });
}

it('[R2] finds what was written and not shipped, with the first action of its chunk', () =>
  withTail(async (_dir, writer, tail) => {
    writer.append(estop('estop', 'arm-1'));
    await append(writer, 5, 6);
    const log = { log_id: 5, customer_id: CUSTOMER, model_id: 'tabletop-v1', action: [5, 0.5] };
    expect(await tail.find(5)).toEqual({ kind: 'found', log });
    expect(await tail.find(7)).toEqual({ kind: 'absent' });
    await append(writer, 7);
    expect(await tail.find(7)).toMatchObject({ kind: 'found', log: { log_id: 7, action: [7, 0.5] } });
  }));

it('an inference without a chunk has no action', () =>
  withTail(async (_dir, writer, tail) => {
    await new Promise<void>((resolve) =>
      writer.append(inference(5, { chunk: new Uint8Array(0), shape: [0, 7], status: 'error' }), resolve),
    );
    expect(await tail.find(5)).toMatchObject({ log: { action: [] } });
  }));

it('[R2] begins at the checkpoint and forgets what passes it', () =>
  withTail(async (dir, writer, tail) => {
    await append(writer, 1, 2, 3);
    await ship(dir, 2);
    expect([(await tail.find(1)).kind, (await tail.find(3)).kind]).toEqual(['absent', 'found']);
    expect(tail.size).toBe(1);
    await append(writer, 4, 5);
    expect((await tail.find(4)).kind).toBe('found');
    await ship(dir, 4);
    expect((await tail.find(9)).kind).toBe('absent');
    expect(tail.size).toBe(1);
    await append(writer, 6);
    await ship(dir, 6);
    await append(writer, 7);
    expect((await tail.find(7)).kind).toBe('found');
    expect(tail.size).toBe(1);
  }));

it('goes on over segments, and into those of the next writer', () =>
  withFolder(async (dir) => {
    const tail = new LogTail({ dir });
    const first = await writerIn(dir, 4_096);
    const ids = Array.from({ length: 40 }, (_, i) => i + 1);
    for (const id of ids) {
      await append(first, id);
      if (id % 10 === 0) expect((await tail.find(id)).kind).toBe('found');
    }
    await first.close();
    const second = await writerIn(dir);
    await append(second, 41);
    expect((await tail.find(41)).kind).toBe('found');
    expect(tail.size).toBe(41);
    await tail.close();
    await second.close();
  }));

it('[R2] remembers only so many: of what it let go it does not say that it is nowhere, until that is shipped', () =>
  withTail(
    async (dir, writer, tail) => {
      await append(writer, 1, 2, 3, 4, 5);
      expect((await tail.find(5)).kind).toBe('found');
      expect(tail.size).toBe(3);
      expect([(await tail.find(1)).kind, (await tail.find(2)).kind, (await tail.find(6)).kind]).toEqual([
        'behind',
        'behind',
        'absent',
      ]);
      await ship(dir, 2);
      expect([(await tail.find(1)).kind, (await tail.find(3)).kind]).toEqual(['absent', 'found']);
    },
    { mostLogs: 3 },
  ));

it('[R2] many questions at once are one reading; one that comes while it reads is answered from the next', async () => {
  let slices = 0;
  let let_go = () => {};
  const gate = new Promise<void>((resolve) => {
    let_go = resolve;
  });
  await withTail(
    async (_dir, writer, tail) => {
      await append(writer, 1);
      const early = Promise.all(Array.from({ length: 50 }, (_, i) => tail.find(100 + i)));
      await expect.poll(() => slices).toBe(1);
      // Written while the first reading has passed its end.
      await append(writer, 2);
      const late = tail.find(2);
      let_go();
      expect(new Set((await early).map(({ kind }) => kind))).toEqual(new Set(['absent']));
      expect((await late).kind).toBe('found');
      expect(slices).toBe(2);
    },
    {
      pause: () => {
        slices++;
        return gate;
      },
    },
  );
});

it('[R2] reads a long tail in many turns of the event loop', () =>
  withTail(async (_dir, writer, tail) => {
    await append(writer, ...Array.from({ length: 2_000 }, (_, i) => i + 1));
    let turns = 0;
    let reading = true;
    const count = () => {
      turns++;
      if (reading) setImmediate(count);
    };
    setImmediate(count);
    expect((await tail.find(2_000)).kind).toBe('found');
    reading = false;
    expect(turns).toBeGreaterThan(100);
  }));

it('forgets on demand and reads again', () =>
  withTail(async (_dir, writer, tail) => {
    await append(writer, 1, 2);
    await tail.find(2);
    await tail.forget();
    expect(tail.size).toBe(0);
    expect((await tail.find(1)).kind).toBe('found');
  }));

it('a folder that is not there yet is an error, and is asked again', () =>
  withFolder(async (dir) => {
    const tail = new LogTail({ dir: `${dir}/journal` });
    await expect(tail.find(1)).rejects.toMatchObject({ code: 'ENOENT' });
    const writer = await writerIn(`${dir}/journal`);
    await append(writer, 1);
    expect((await tail.find(1)).kind).toBe('found');
    await tail.close();
    await writer.close();
  }));
