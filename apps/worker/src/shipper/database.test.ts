import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createPool, EMPTY_BATCH, migrate } from '@sinew/db';
import { startTestDatabase } from '@sinew/db/testing';
import { afterEach, expect, it, vi } from 'vitest';
import { ShippingDatabase } from './database.js';
import { inferenceRow } from './rows.js';
import { inference, ticks } from './test-records.js';

afterEach(() => {
  vi.useRealTimers();
});

function message(type: string, payload: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(4 + payload.length);
  return Buffer.concat([Buffer.from(type), length, payload]);
}

/** A server that takes every client in and answers simple queries, but for one that holds `hangsAt`. */
async function halfDeadServer(hangsAt: string) {
  const queries: string[] = [];
  const ready = message('Z', Buffer.from('I'));
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => {
      socket.write(Buffer.concat([message('R', Buffer.alloc(4)), ready]));
      socket.on('data', (bytes) => {
        const query = bytes.toString('utf8', 5, bytes.length - 1);
        queries.push(query);
        if (query.includes(hangsAt)) return void server.emit('hanging', socket);
        const command = query.split(' ')[0] ?? '';
        socket.write(Buffer.concat([message('C', Buffer.from(`${command}\0`)), ready]));
      });
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return { url: `postgresql://x:y@127.0.0.1:${port}/z?sslmode=disable`, server, queries };
}

it('[J3] hangs up on a server that does not answer: its connection and its pool go, and the next attempt is a new one', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const { url, server } = await halfDeadServer('COMMIT');
  const database = new ShippingDatabase(url, '/nowhere', () => {});
  const seen = new Set<Socket>();
  for (const attempt of [1, 2]) {
    const hanging = once(server, 'hanging') as Promise<[Socket]>;
    const storing = expect(database.store(EMPTY_BATCH)).rejects.toThrow('no answer within 30000 ms');
    const [socket] = await hanging;
    expect(seen.add(socket).size).toBe(attempt);
    const closed = once(socket, 'close');
    vi.advanceTimersByTime(30_000);
    await Promise.all([storing, closed]);
  }
  await database.close();
  server.close();
  await once(server, 'close');
});

it('[J3] asks of each commit that it waits for the disk, whatever the server does by default, and of each statement that it ends', async () => {
  const { url, server, queries } = await halfDeadServer('nothing');
  const database = new ShippingDatabase(url, '/nowhere', () => {});
  await database.store(EMPTY_BATCH);
  const begun = queries.indexOf('BEGIN');
  expect(queries[begun + 1]).toContain('SET LOCAL synchronous_commit = on');
  expect(queries[begun + 1]).toMatch(/SET LOCAL statement_timeout = '\d+s'/);
  expect(queries.at(-1)).toBe('COMMIT');
  await database.close();
  server.close();
});

it('[J3] the embedded database says that it does not keep what a power cut takes, and stores all the same', {
  timeout: 120_000,
}, async () => {
  const embedded = await startTestDatabase();
  const database = new ShippingDatabase(embedded.url, '/nowhere', () => {});
  try {
    expect(await database.isDurable()).toBe(false);
    const pool = createPool(embedded.url, { max: 1 });
    await migrate(pool);
    await pool.end();
    const batch = { ...EMPTY_BATCH, inferences: [inferenceRow(inference())] };
    expect(await database.store(batch)).toMatchObject({ inserted: 1, repeated: 0 });
    expect(await database.store(batch)).toMatchObject({ inserted: 0, repeated: 1 });
  } finally {
    await database.close();
    await embedded.close();
  }
});

it('[J3] keeps what is refused whole, with its reason: a row, and a record with its binary columns', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'sinew-refused-'));
  try {
    const file = join(dir, 'refused.ndjson');
    const said: string[] = [];
    const database = new ShippingDatabase('postgresql://x@127.0.0.1:1/z', file, (_error, text) => said.push(text));
    const chunk = Buffer.from([1, 2, 3, 4, 5, 6, 7, 8]);
    await database.refuse({ table: 'inferences', row: inferenceRow(inference({ chunk })) }, new Error('taken'));
    await database.refuse({ table: 'journal', row: ticks([7], { sent: new Uint8Array([9]) }) }, new TypeError('odd'));
    await database.close();
    const lines = (await readFile(file, 'utf8')).trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { table: 'inferences', reason: 'taken', row: { log_id: 1, chunk: 'AQIDBAUGBwg=' } },
      { table: 'journal', reason: 'odd', row: { kind: 'ticks', seq: [7], sent: 'CQ==' } },
    ]);
    expect(said).toHaveLength(2);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
});
