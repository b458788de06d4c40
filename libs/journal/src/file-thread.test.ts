import { closeSync, fstatSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FileThread } from './file-thread.js';
import { inference } from './fixtures.js';
import { readJournal } from './reader.js';
import { threadedIo } from './threaded-io.js';
import { JournalWriter } from './writer.js';

const shared = (text: string): SharedArrayBuffer => {
  const memory = new SharedArrayBuffer(text.length);
  Buffer.from(memory).write(text, 'latin1');
  return memory;
};

describe('the thread that writes', () => {
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'sinew-write-'));
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  it('[J1] tells that bytes are written when it is asked, before the event loop turns', async () => {
    const thread = new FileThread();
    const fd = openSync(join(dir, 'file'), 'w');
    let written = false;
    await thread.order({ op: 'write', fd: fd, shared: shared('first '), length: 6, position: 0 }); // the thread is up now
    const second = thread.order({ op: 'write', fd: fd, shared: shared('second'), length: 6, position: 6 }).then(() => {
      written = true;
    });
    // Nothing here lets the loop turn: the thread writes beside it, and answers just after.
    const until = performance.now() + 10_000;
    while (fstatSync(fd).size < 12 && performance.now() < until);
    for (let asked = 0; asked < 10_000 && !written; asked++) {
      thread.poll();
      await Promise.resolve();
    }
    expect(written).toBe(true);
    await second;
    expect(readFileSync(join(dir, 'file'), 'latin1')).toBe('first second');
    closeSync(fd);
    await thread.close();
  });

  it('[W1] answers a write that the system refuses with its code, and goes on', async () => {
    const thread = new FileThread();
    closeSync(openSync(join(dir, 'file'), 'w'));
    const fd = openSync(join(dir, 'file'), 'r');
    await expect(
      thread.order({ op: 'write', fd: fd, shared: shared('lost'), length: 4, position: 0 }),
    ).rejects.toMatchObject({ code: 'EBADF' });
    closeSync(fd);
    const other = openSync(join(dir, 'other'), 'w');
    await thread.order({ op: 'write', fd: other, shared: shared('kept'), length: 4, position: 0 });
    expect(readFileSync(join(dir, 'other'), 'latin1')).toBe('kept');
    closeSync(other);
    await thread.close();
    await expect(
      thread.order({ op: 'write', fd: other, shared: shared('late'), length: 4, position: 0 }),
    ).rejects.toThrow('ended');
  });

  it('[J1] a file outlives the thread that opened it, and its successor writes on', async () => {
    const first = new FileThread();
    const fd = await first.order({ op: 'create', path: join(dir, 'file'), head: Buffer.from('head ') });
    const waiting = first.order({ op: 'write', fd, shared: shared('lost'), length: 4, position: 5 }).catch(() => 0);
    await first.close();
    await waiting;
    expect(first.alive).toBe(false);
    const second = new FileThread();
    await second.order({ op: 'truncate', fd, length: 5 });
    await second.order({ op: 'write', fd, shared: shared('kept'), length: 4, position: 5 });
    await second.order({ op: 'sync', fd });
    await second.order({ op: 'close', fd });
    expect(readFileSync(join(dir, 'file'), 'latin1')).toBe('head kept');
    await second.close();
  });

  it('[J1] a writer on it has every record on the disk, in order, over rolled segments', async () => {
    const writer = await JournalWriter.open({
      dir,
      node: 0,
      budgetBytes: 1 << 28,
      segmentBytes: 64 * 1024,
      now: () => Date.now(),
      io: threadedIo(),
    });
    const order: number[] = [];
    for (let n = 0; n < 500; n++) {
      writer.append(inference(writer.nextLogId()), () => order.push(n));
      if (n % 50 === 0) await writer.sync();
      else writer.poll(n);
    }
    await writer.close();
    expect(order).toEqual(Array.from({ length: 500 }, (_, n) => n));
    let read = 0;
    for await (const { record } of readJournal({ dir })) if (record.kind === 'inference') read++;
    expect(read).toBe(500);
  });
});
