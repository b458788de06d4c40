import { describe, expect, test } from 'vitest';
import { PATIENT, useWireBench } from '../testing/wire-bench.js';
import { message, SYNC, simpleQuery } from './wire-frames.js';

const bench = useWireBench();

describe('many connections in one session', () => {
  test('interleaved queries, errors and transactions never get each other’s answers', async () => {
    const clients = await Promise.all(Array.from({ length: 8 }, () => bench.client()));
    await Promise.all(
      clients.map(async (one, who) => {
        for (let i = 0; i < 40; i++) {
          const value = who * 1_000 + i;
          switch (i % 4) {
            case 0: {
              const { rows } = await one.query('SELECT $1::int AS v, $2::text AS w', [value, `w${value}`]);
              expect(rows).toEqual([{ v: value, w: `w${value}` }]);
              break;
            }
            case 1:
              await expect(one.query(`SELECT 1/0 AS "${value}"`)).rejects.toMatchObject({ code: '22012' });
              break;
            case 2: {
              await one.query('BEGIN');
              await one.query('INSERT INTO t VALUES ($1, $2)', [value, `c${who}`]);
              const { rows } = await one.query('SELECT who FROM t WHERE id = $1', [value]);
              expect(rows).toEqual([{ who: `c${who}` }]);
              await expect(one.query('SELECT no_such_column')).rejects.toMatchObject({ code: '42703' });
              await expect(one.query('SELECT 1')).rejects.toMatchObject({ code: '25P02' });
              await one.query('ROLLBACK');
              break;
            }
            default:
              await one
                .query({ name: 'same name', text: `SELECT '${who}'::text AS who, $1::int AS i`, values: [i] })
                .then(({ rows }) => {
                  expect(rows).toEqual([{ who: String(who), i }]);
                });
          }
        }
      }),
    );
    const { rows } = await (await bench.client()).query('SELECT count(*)::int AS n FROM t');
    expect(rows).toEqual([{ n: 0 }]);
  });

  test('a transaction is seen by nobody else before its commit, and nobody speaks inside it', async () => {
    const [one, other] = [await bench.client(), await bench.client()];
    await one.query('BEGIN');
    await one.query("INSERT INTO t VALUES (1, 'one')");
    const seen: string[] = [];
    const waiting = other.query('SELECT who FROM t').then(({ rows }) => seen.push(...rows.map((row) => row.who)));
    await one.query("UPDATE t SET who = 'done'");
    expect(seen).toEqual([]);
    await one.query('COMMIT');
    await waiting;
    expect(seen).toEqual(['done']);
    await other.query('DELETE FROM t');
  });

  test('settings, roles and advisory locks of one connection do not reach the next', async () => {
    const [one, other] = [await bench.client(), await bench.client()];
    const state = async () =>
      (
        await other.query(
          `SELECT current_user AS who, current_setting('search_path') AS path,
             (SELECT count(*)::int FROM pg_locks WHERE locktype = 'advisory') AS locks`,
        )
      ).rows;
    const before = await state();
    expect(before).toMatchObject([{ who: 'postgres', locks: 0 }]);
    await one.query('CREATE ROLE nobody_special');
    await one.query('SET ROLE nobody_special; SET search_path = nowhere; SELECT pg_advisory_lock(42)');
    expect(await state()).toEqual(before);
  });

  test('each connection’s startup options hold whenever the session is its own', async () => {
    const first = await bench.client({ options: '-c search_path=first -c work_mem=5MB', application_name: 'one' });
    const second = await bench.client({ options: '--search_path=second,public' });
    const show = "SELECT current_setting('search_path') AS path, current_setting('application_name') AS name";
    for (let i = 0; i < 3; i++) {
      expect((await first.query(show)).rows).toEqual([{ path: 'first', name: 'one' }]);
      expect((await second.query(show)).rows).toEqual([{ path: 'second,public', name: '' }]);
    }
  });

  test('a startup option that is not accepted ends that connection and no other', async () => {
    const bad = await bench.client({ options: '-c work_mem=many' });
    await expect(bad.query('SELECT 1')).rejects.toThrow();
    expect((await (await bench.client()).query('SELECT 1 AS v')).rows).toEqual([{ v: 1 }]);
  });

  test('a message that comes byte by byte is one message', async () => {
    const raw = await bench.raw();
    for (const byte of simpleQuery("SELECT 'slow'")) {
      raw.send(Buffer.from([byte]));
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(Buffer.concat(await raw.ready()).toString('latin1')).toContain('slow');
    raw.socket.destroy();
  });

  test('large answers and large parameters pass whole', async () => {
    const one = await bench.client();
    const text = 'x'.repeat(6 << 20);
    const { rows } = await one.query('SELECT $1::text AS echo, length($1::text) AS n', [text]);
    expect(rows[0].n).toBe(text.length);
    expect(rows[0].echo === text).toBe(true);
  });
});

describe('prepared statements', () => {
  test('a name is each connection’s own, and free again when the connection is gone', async () => {
    const [one, other] = [await bench.client(), await bench.client()];
    expect((await one.query({ name: 'q', text: 'SELECT 1 AS v' })).rows).toEqual([{ v: 1 }]);
    expect((await other.query({ name: 'q', text: 'SELECT 2 AS v' })).rows).toEqual([{ v: 2 }]);
    expect((await one.query({ name: 'q', text: 'SELECT 1 AS v' })).rows).toEqual([{ v: 1 }]);
    const watcher = await bench.client();
    const prepared = async () =>
      (await watcher.query("SELECT count(*)::int AS n FROM pg_prepared_statements WHERE name LIKE '%\\_q'")).rows[0].n;
    expect(await prepared()).toBe(2);
    await one.end();
    await other.end();
    await expect.poll(prepared, PATIENT).toBe(0);
  });

  test('the unnamed statement survives other connections’ turns between Parse and Bind', async () => {
    const raw = await bench.raw();
    const other = await bench.client();
    raw.send(message(0x50, '\0', 'SELECT 41 + $1::int\0', Buffer.from([0, 0])), message(SYNC));
    await raw.ready();
    await other.query('SELECT $1::text', ['mine now']);
    raw.send(
      message(0x44, 'S', '\0'),
      message(0x42, '\0', '\0', Buffer.from([0, 0, 0, 1, 0, 0, 0, 1]), '1', Buffer.from([0, 0])),
      message(0x45, '\0', Buffer.from([0, 0, 0, 0])),
      message(SYNC),
    );
    const answers = await raw.ready();
    expect(answers.map((answer) => String.fromCharCode(answer[0] ?? 0)).join('')).toBe('tT2DCZ');
    expect(answers.find((answer) => answer[0] === 0x44)?.toString('utf8', 11)).toBe('42');
    raw.socket.destroy();
  });

  test('another connection’s unnamed statement is never run in the place of none', async () => {
    const raw = await bench.raw();
    await (await bench.client()).query('SELECT $1::text', ['not yours']);
    raw.send(
      message(0x42, '\0', '\0', Buffer.from([0, 0, 0, 0, 0, 0])),
      message(0x45, '\0', Buffer.from([0, 0, 0, 0])),
      message(SYNC),
    );
    const answers = await raw.ready();
    expect(answers.map((answer) => String.fromCharCode(answer[0] ?? 0)).join('')).toBe('EZ');
    raw.socket.destroy();
  });
});
