import { once } from 'node:events';
import { connect } from 'node:net';
import pg from 'pg';
import { describe, expect, test } from 'vitest';
import { TEST_PASSWORD } from '../testing/test-database.js';
import { useWireBench } from '../testing/wire-bench.js';
import { BACKEND, FRONTEND, message, SYNC, simpleQuery } from './wire-frames.js';

const bench = useWireBench();

describe('what is refused', () => {
  test.each(['COPY t FROM STDIN', 'COPY t TO STDOUT', 'SELECT 1; COPY t TO STDOUT'])(
    '%s as a simple query: 0A000',
    async (sql) => {
      const one = await bench.client();
      await expect(one.query(sql)).rejects.toMatchObject({
        code: '0A000',
        message: expect.stringContaining('COPY'),
        hint: expect.stringContaining('jsonb_to_recordset'),
      });
      expect((await one.query('SELECT 1 AS v')).rows).toEqual([{ v: 1 }]);
    },
  );

  test('COPY as an extended query: 0A000, and the connection goes on', async () => {
    const one = await bench.client();
    await expect(one.query({ name: 'c', text: 'COPY t TO STDOUT' })).rejects.toMatchObject({ code: '0A000' });
    expect((await one.query('SELECT $1::int AS v', [3])).rows).toEqual([{ v: 3 }]);
  });

  test('a refused statement aborts its transaction as a failed one does', async () => {
    const one = await bench.client();
    await one.query('BEGIN');
    await one.query("INSERT INTO t VALUES (9, 'x')");
    await expect(one.query('COPY t FROM STDIN')).rejects.toMatchObject({ code: '0A000' });
    await expect(one.query('SELECT 1')).rejects.toMatchObject({ code: '25P02' });
    await one.query('COMMIT');
    expect((await one.query('SELECT * FROM t')).rows).toEqual([]);
  });

  test('an error that only looks like a refusal keeps its own words', async () => {
    const one = await bench.client();
    await expect(one.query('SELECT 1 UNION SELECT 1 FOR UPDATE')).rejects.toMatchObject({
      code: '0A000',
      message: expect.stringContaining('UNION'),
    });
  });

  test.each([
    ['a wrong password', { password: 'guess' }, '28P01'],
    ['another user', { user: 'root' }, '28000'],
    ['another database', { database: 'other' }, '3D000'],
  ])('%s', async (_what, wrong, code) => {
    const config = {
      host: '127.0.0.1',
      port: bench.database.port,
      user: 'postgres',
      database: 'postgres',
      password: TEST_PASSWORD,
    };
    const one = new pg.Client({ ...config, ...wrong });
    one.on('error', () => undefined);
    await expect(one.connect()).rejects.toMatchObject({ code });
  });

  test('a client that asks for encryption is told no, and one that insists leaves', async () => {
    const one = new pg.Client({ connectionString: bench.database.url, ssl: true });
    one.on('error', () => undefined);
    await expect(one.connect()).rejects.toThrow(/SSL/);
  });

  test.each([
    ['random bytes', Buffer.from('GET / HTTP/1.1\r\n\r\n')],
    ['a huge length', Buffer.from([0x7f, 0xff, 0xff, 0xff, 0, 3, 0, 0])],
    ['a protocol of the past', Buffer.from([0, 0, 0, 8, 0, 2, 0, 0])],
    ['a cancel request', Buffer.from([0, 0, 0, 16, 4, 0xd2, 0x16, 0x2e, 0, 0, 0, 1, 0, 0, 0, 0])],
  ])('%s ends its connection only', async (_what, bytes) => {
    const socket = connect(bench.database.port, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.resume();
    socket.write(bytes);
    await once(socket, 'close');
    expect((await (await bench.client()).query('SELECT 1 AS v')).rows).toEqual([{ v: 1 }]);
  });

  test('an unknown message type after the start ends the connection with 08P01', async () => {
    const raw = await bench.raw();
    raw.send(message(0x7e, 'what'));
    await once(raw.socket, 'close');
    expect(raw.errors()).toContain('08P01');
  });

  test.each([
    ['a Query without its end', message(FRONTEND.query, 'SELECT 1')],
    ['a Parse without its end', message(FRONTEND.parse, '\0', 'SELECT 1')],
    ['a Bind without names', message(FRONTEND.bind)],
    ['an Execute without a portal', message(FRONTEND.execute, Buffer.from([1, 2, 3]))],
    ['a Describe of a name without its end', message(FRONTEND.describe, 'Sname')],
    ['a Close of a name without its end', message(FRONTEND.close, 'Sname')],
  ])(
    '%s ends its connection with 08P01, its transaction rolled back, and no other connection',
    async (_what, bytes) => {
      const [raw, other] = [await bench.raw(), await bench.client()];
      raw.send(simpleQuery("BEGIN; INSERT INTO t VALUES (10, 'broken')"));
      await raw.ready();
      const closed = once(raw.socket, 'close');
      raw.send(bytes, message(SYNC));
      await closed;
      expect(raw.errors()).toContain('08P01');
      expect((await other.query('SELECT * FROM t')).rows).toEqual([]);
    },
  );

  test('messages whose inside is nonsense are the backend’s to refuse, and it goes on', async () => {
    const raw = await bench.raw();
    const nonsense = [
      message(FRONTEND.query, 'SELECT 1\0SELECT 2\0'),
      message(FRONTEND.parse, '\0', 'SELECT $1\0', Buffer.from([0x7f, 0xff])),
      message(FRONTEND.bind, '\0', '\0', Buffer.from([0xff, 0xff, 0xff])),
      message(FRONTEND.execute, '\0', Buffer.from([1])),
      message(FRONTEND.describe, 'Q\0'),
      message(FRONTEND.close),
    ];
    for (const bytes of nonsense) {
      raw.send(bytes, message(SYNC));
      await raw.until((answers) => answers.some((answer) => answer[0] === BACKEND.readyForQuery));
    }
    expect(raw.errors().match(/C08P01/g)?.length).toBeGreaterThanOrEqual(4);
    expect((await (await bench.client()).query('SELECT 1 AS v')).rows).toEqual([{ v: 1 }]);
    raw.socket.destroy();
  });
});
