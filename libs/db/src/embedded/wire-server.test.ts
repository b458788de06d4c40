import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestDatabase, TEST_PASSWORD, type TestDatabase } from '../testing/test-database.js';
import { HOUSEKEEPING_MS } from './housekeeping.js';
import { message, readyForQuery, SYNC, simpleQuery, splitMessagesBorrow } from './wire-frames.js';

/** Timers that fire when a test says so. */
class ManualTimers {
  readonly armed = new Set<{ ms: number; fire: () => void }>();
  readonly start = (ms: number, fire: () => void) => {
    const timer = { ms, fire };
    this.armed.add(timer);
    return () => this.armed.delete(timer);
  };
  fire(ms: number): void {
    for (const timer of [...this.armed]) {
      if (timer.ms !== ms) continue;
      this.armed.delete(timer);
      timer.fire();
    }
  }
}

const IDLE_MS = 5_000;
/** For what happens soon after, without an event to wait for. */
const PATIENT = { timeout: 20_000 };
const timers = new ManualTimers();
let database: TestDatabase;
const open: pg.Client[] = [];

async function client(config: pg.ClientConfig = {}): Promise<pg.Client> {
  const made = new pg.Client({ connectionString: database.url, ...config });
  made.on('error', () => undefined);
  await made.connect();
  open.push(made);
  return made;
}

beforeAll(async () => {
  database = await startTestDatabase({ startTimer: timers.start });
  const setup = await client();
  await setup.query('CREATE TABLE t (id int PRIMARY KEY, who text)');
  await setup.end();
});
afterAll(async () => {
  await Promise.all(open.map((one) => one.end()));
  await database.close();
});

describe('many connections in one session', () => {
  test('interleaved queries, errors and transactions never get each other’s answers', async () => {
    const clients = await Promise.all(Array.from({ length: 8 }, () => client()));
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
    const { rows } = await (await client()).query('SELECT count(*)::int AS n FROM t');
    expect(rows).toEqual([{ n: 0 }]);
  });

  test('a transaction is seen by nobody else before its commit, and nobody speaks inside it', async () => {
    const [one, other] = [await client(), await client()];
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
    const [one, other] = [await client(), await client()];
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
    const first = await client({ options: '-c search_path=first -c work_mem=5MB', application_name: 'one' });
    const second = await client({ options: '--search_path=second,public' });
    const show = "SELECT current_setting('search_path') AS path, current_setting('application_name') AS name";
    for (let i = 0; i < 3; i++) {
      expect((await first.query(show)).rows).toEqual([{ path: 'first', name: 'one' }]);
      expect((await second.query(show)).rows).toEqual([{ path: 'second,public', name: '' }]);
    }
  });

  test('a startup option that is not accepted ends that connection and no other', async () => {
    const bad = await client({ options: '-c work_mem=many' });
    await expect(bad.query('SELECT 1')).rejects.toThrow();
    expect((await (await client()).query('SELECT 1 AS v')).rows).toEqual([{ v: 1 }]);
  });

  test('a message that comes byte by byte is one message', async () => {
    const raw = await RawClient.open();
    for (const byte of simpleQuery("SELECT 'slow'")) {
      raw.send(Buffer.from([byte]));
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(Buffer.concat(await raw.ready()).toString('latin1')).toContain('slow');
    raw.socket.destroy();
  });

  test('large answers and large parameters pass whole', async () => {
    const one = await client();
    const text = 'x'.repeat(6 << 20);
    const { rows } = await one.query('SELECT $1::text AS echo, length($1::text) AS n', [text]);
    expect(rows[0].n).toBe(text.length);
    expect(rows[0].echo === text).toBe(true);
  });
});

describe('prepared statements', () => {
  test('a name is each connection’s own, and free again when the connection is gone', async () => {
    const [one, other] = [await client(), await client()];
    expect((await one.query({ name: 'q', text: 'SELECT 1 AS v' })).rows).toEqual([{ v: 1 }]);
    expect((await other.query({ name: 'q', text: 'SELECT 2 AS v' })).rows).toEqual([{ v: 2 }]);
    expect((await one.query({ name: 'q', text: 'SELECT 1 AS v' })).rows).toEqual([{ v: 1 }]);
    const watcher = await client();
    const prepared = async () =>
      (await watcher.query("SELECT count(*)::int AS n FROM pg_prepared_statements WHERE name LIKE '%\\_q'")).rows[0].n;
    expect(await prepared()).toBe(2);
    await one.end();
    await other.end();
    await expect.poll(prepared, PATIENT).toBe(0);
  });

  test('the unnamed statement survives other connections’ turns between Parse and Bind', async () => {
    const raw = await RawClient.open();
    const other = await client();
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
    const raw = await RawClient.open();
    await (await client()).query('SELECT $1::text', ['not yours']);
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

describe('LISTEN and NOTIFY', () => {
  const heard = (one: pg.Client) => {
    const list: string[] = [];
    one.on('notification', (n) => list.push(`${n.channel}=${n.payload}`));
    return list;
  };

  test('a notification reaches every listener and nobody else, also those that are idle', async () => {
    const [a, b, deaf, sender] = [await client(), await client(), await client(), await client()];
    const lists = [a, b, deaf].map(heard);
    await a.query('LISTEN news');
    await b.query('LISTEN "news"');
    await deaf.query('LISTEN other');
    const got = Promise.all([once(a, 'notification'), once(b, 'notification')]);
    await sender.query("SELECT pg_notify('news', 'hello')");
    await got;
    expect(lists).toEqual([['news=hello'], ['news=hello'], []]);
  });

  test('one connection’s UNLISTEN, end or rolled back LISTEN leaves the others’ subscriptions alone', async () => {
    const [a, b, c, sender] = [await client(), await client(), await client(), await client()];
    const list = heard(a);
    const listB = heard(b);
    for (const one of [a, b, c]) await one.query('LISTEN weather');
    await b.query('UNLISTEN *');
    await c.end();
    await b.query('BEGIN; LISTEN weather; ROLLBACK');
    const got = once(a, 'notification');
    await sender.query("NOTIFY weather, 'rain'");
    await got;
    await b.query('SELECT 1');
    expect(list).toEqual(['weather=rain']);
    expect(listB).toEqual([]);
  });

  test('a notification inside a transaction leaves with its commit, and not with its rollback', async () => {
    const [listener, sender] = [await client(), await client()];
    const list = heard(listener);
    await listener.query('LISTEN tx');
    await sender.query("BEGIN; NOTIFY tx, 'lost'; ROLLBACK");
    const got = once(listener, 'notification');
    await sender.query("BEGIN; NOTIFY tx, 'kept'; COMMIT");
    await got;
    expect(list).toEqual(['tx=kept']);
  });

  test('the session stops listening when the last listener is gone', async () => {
    const [listener, watcher] = [await client(), await client()];
    await listener.query('LISTEN last');
    const channels = async () => (await watcher.query('SELECT pg_listening_channels() AS c')).rows.map((row) => row.c);
    expect(await channels()).toContain('last');
    await listener.end();
    await expect.poll(channels, PATIENT).not.toContain('last');
  });
});

describe('what is refused', () => {
  test.each(['COPY t FROM STDIN', 'COPY t TO STDOUT', 'SELECT 1; COPY t TO STDOUT'])(
    '%s as a simple query: 0A000',
    async (sql) => {
      const one = await client();
      await expect(one.query(sql)).rejects.toMatchObject({
        code: '0A000',
        message: expect.stringContaining('COPY'),
        hint: expect.stringContaining('jsonb_to_recordset'),
      });
      expect((await one.query('SELECT 1 AS v')).rows).toEqual([{ v: 1 }]);
    },
  );

  test('COPY as an extended query: 0A000, and the connection goes on', async () => {
    const one = await client();
    await expect(one.query({ name: 'c', text: 'COPY t TO STDOUT' })).rejects.toMatchObject({ code: '0A000' });
    expect((await one.query('SELECT $1::int AS v', [3])).rows).toEqual([{ v: 3 }]);
  });

  test('a refused statement aborts its transaction as a failed one does', async () => {
    const one = await client();
    await one.query('BEGIN');
    await one.query("INSERT INTO t VALUES (9, 'x')");
    await expect(one.query('COPY t FROM STDIN')).rejects.toMatchObject({ code: '0A000' });
    await expect(one.query('SELECT 1')).rejects.toMatchObject({ code: '25P02' });
    await one.query('COMMIT');
    expect((await one.query('SELECT * FROM t')).rows).toEqual([]);
  });

  test('an error that only looks like a refusal keeps its own words', async () => {
    const one = await client();
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
      port: database.port,
      user: 'postgres',
      database: 'postgres',
      password: TEST_PASSWORD,
    };
    const one = new pg.Client({ ...config, ...wrong });
    one.on('error', () => undefined);
    await expect(one.connect()).rejects.toMatchObject({ code });
  });

  test('a client that asks for encryption is told no, and one that insists leaves', async () => {
    const one = new pg.Client({ connectionString: database.url, ssl: true });
    one.on('error', () => undefined);
    await expect(one.connect()).rejects.toThrow(/SSL/);
  });

  test.each([
    ['random bytes', Buffer.from('GET / HTTP/1.1\r\n\r\n')],
    ['a huge length', Buffer.from([0x7f, 0xff, 0xff, 0xff, 0, 3, 0, 0])],
    ['a protocol of the past', Buffer.from([0, 0, 0, 8, 0, 2, 0, 0])],
    ['a cancel request', Buffer.from([0, 0, 0, 16, 4, 0xd2, 0x16, 0x2e, 0, 0, 0, 1, 0, 0, 0, 0])],
  ])('%s ends its connection only', async (_what, bytes) => {
    const socket = connect(database.port, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.resume();
    socket.write(bytes);
    await once(socket, 'close');
    expect((await (await client()).query('SELECT 1 AS v')).rows).toEqual([{ v: 1 }]);
  });

  test('an unknown message type after the start ends the connection with 08P01', async () => {
    const raw = await RawClient.open();
    raw.send(message(0x7e, 'what'));
    await once(raw.socket, 'close');
    expect(raw.errors()).toContain('08P01');
  });
});

describe('owners that do not come back', () => {
  test('one that vanishes in a transaction is rolled back, and the next one served', async () => {
    const raw = await RawClient.open();
    raw.send(simpleQuery("BEGIN; INSERT INTO t VALUES (5, 'ghost')"));
    await raw.ready();
    const waiting = (await client()).query('SELECT count(*)::int AS n FROM t');
    raw.socket.destroy();
    expect((await waiting).rows).toEqual([{ n: 0 }]);
  });

  test('one that vanishes in the middle of a pipeline is rolled back: no Sync, no commit', async () => {
    const raw = await RawClient.open();
    raw.send(
      message(0x50, '\0', "INSERT INTO t VALUES (6, 'ghost')\0", Buffer.from([0, 0])),
      message(0x42, '\0', '\0', Buffer.from([0, 0, 0, 0, 0, 0])),
      message(0x45, '\0', Buffer.from([0, 0, 0, 0])),
      message(0x48),
    );
    await raw.until((answers) => answers.some((answer) => answer[0] === 0x43));
    const waiting = (await client()).query('SELECT count(*)::int AS n FROM t');
    raw.socket.destroy();
    expect((await waiting).rows).toEqual([{ n: 0 }]);
  });

  test('one that vanishes after an error in a pipeline does not leave the session skipping', async () => {
    const raw = await RawClient.open();
    raw.send(message(0x50, '\0', 'SELECT nonsense(\0', Buffer.from([0, 0])), message(0x48));
    await raw.until((answers) => answers.some((answer) => answer[0] === 0x45));
    raw.socket.destroy();
    expect((await (await client()).query('SELECT 1 AS v')).rows).toEqual([{ v: 1 }]);
  });

  test('one that idles in a transaction is ended with 57P05 and rolled back', async () => {
    const sleeper = await client();
    const error = once(sleeper, 'error');
    await sleeper.query('BEGIN');
    await sleeper.query("INSERT INTO t VALUES (7, 'sleeper')");
    const waiting = (await client()).query('SELECT count(*)::int AS n FROM t');
    timers.fire(IDLE_MS);
    expect((await waiting).rows).toEqual([{ n: 0 }]);
    expect(await error).toMatchObject([{ code: '57P05' }]);
  });

  test('one that idles outside a transaction is left alone: no timer is armed for it', async () => {
    const idle = await client();
    await idle.query('SELECT 1');
    expect([...timers.armed].filter((timer) => timer.ms === IDLE_MS)).toEqual([]);
    expect((await idle.query('SELECT 2 AS v')).rows).toEqual([{ v: 2 }]);
  });

  test('one that left before its turn came costs nobody anything', async () => {
    const holder = await client();
    await holder.query('BEGIN');
    const leaving = await RawClient.open();
    leaving.send(simpleQuery('SELECT 1'));
    leaving.socket.destroy();
    await holder.query('COMMIT');
    expect((await (await client()).query('SELECT 1 AS v')).rows).toEqual([{ v: 1 }]);
  });

  test('one that never says who it is is dropped', async () => {
    const socket = connect(database.port, '127.0.0.1');
    await once(socket, 'connect');
    await expect.poll(() => [...timers.armed].some((timer) => timer.ms === 10_000), PATIENT).toBe(true);
    timers.fire(10_000);
    await once(socket, 'close');
  });
});

describe('housekeeping that PostgreSQL’s background processes would do', () => {
  const round = async () => {
    await expect.poll(() => [...timers.armed].some((timer) => timer.ms === HOUSEKEEPING_MS), PATIENT).toBe(true);
    timers.fire(HOUSEKEEPING_MS);
  };

  test('the log’s growth ends in a checkpoint', async () => {
    const one = await client();
    const redo = async () => (await one.query('SELECT redo_lsn::text AS at FROM pg_control_checkpoint()')).rows[0].at;
    const before = await redo();
    await round();
    await round();
    expect(await redo()).toBe(before);
    await one.query('CREATE TABLE big AS SELECT repeat(md5(i::text), 60) AS t FROM generate_series(1, 25000) AS i');
    await round();
    await round();
    expect(await redo()).not.toBe(before);
    await one.query('DROP TABLE big');
  });

  test('dead rows are vacuumed away and the planner learns what there is', async () => {
    const one = await client();
    await one.query('CREATE TABLE churn AS SELECT i FROM generate_series(1, 1000) AS i; UPDATE churn SET i = i + 1');
    const state = async () =>
      (
        await one.query(
          `SELECT n_dead_tup::int AS dead, n_mod_since_analyze::int AS changed, reltuples::int AS known
           FROM pg_stat_user_tables s JOIN pg_class c ON c.oid = s.relid WHERE s.relname = 'churn'`,
        )
      ).rows[0];
    // Counts are gathered at most once a second, unless asked for.
    await one.query('SELECT pg_stat_force_next_flush()');
    expect(await state()).toMatchObject({ dead: 1_000, known: -1 });
    for (let rounds = 0; rounds < 5; rounds++) await round();
    await expect.poll(state, PATIENT).toEqual({ dead: 0, changed: 0, known: 1_000 });
    await one.query('DROP TABLE churn');
  });
});

/** The protocol by hand, for what a driver never does. */
class RawClient {
  readonly socket: Socket;
  #bytes: Buffer = Buffer.alloc(0);
  #all: Buffer[] = [];
  #answers: Buffer[] = [];
  readonly #more = new Set<() => void>();

  static async open(): Promise<RawClient> {
    const raw = new RawClient(connect(database.port, '127.0.0.1'));
    const start = Buffer.from('\0\x03\0\0user\0postgres\0database\0postgres\0\0', 'latin1');
    const length = Buffer.alloc(4);
    length.writeInt32BE(4 + start.length);
    raw.send(length, start, message(0x70, TEST_PASSWORD, '\0'));
    await raw.ready();
    return raw;
  }

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('error', () => undefined);
    socket.on('data', (bytes) => {
      const { messages, rest } = splitMessagesBorrow(Buffer.concat([this.#bytes, bytes]), 1 << 30);
      this.#bytes = rest;
      this.#answers.push(...messages);
      this.#all.push(...messages);
      for (const wake of this.#more) wake();
    });
  }

  send(...messages: Buffer[]): void {
    this.socket.write(Buffer.concat(messages));
  }

  /** Everything answered since the last call, once `enough` says so. */
  async until(enough: (answers: Buffer[]) => boolean): Promise<Buffer[]> {
    while (!enough(this.#answers)) {
      await new Promise<void>((resolve) => {
        const wake = () => {
          this.#more.delete(wake);
          resolve();
        };
        this.#more.add(wake);
      });
    }
    return this.#answers.splice(0);
  }

  ready(): Promise<Buffer[]> {
    return this.until((answers) =>
      answers.some((answer) => answer.equals(readyForQuery('I')) || answer.equals(readyForQuery('T'))),
    );
  }

  errors(): string {
    return this.#all
      .filter((answer) => answer[0] === 0x45)
      .map((answer) => answer.toString('utf8', 5))
      .join('\n');
  }
}
