import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, expect, test } from 'vitest';
import { PATIENT, useWireBench } from '../testing/wire-bench.js';
import { CLOSE_GRACE_MS } from './connection.js';
import { message, simpleQuery } from './wire-frames.js';

const IDLE_MS = 5_000;
const bench = useWireBench();

describe('owners that do not come back', () => {
  test('one that vanishes in a transaction is rolled back, and the next one served', async () => {
    const raw = await bench.raw();
    raw.send(simpleQuery("BEGIN; INSERT INTO t VALUES (5, 'ghost')"));
    await raw.ready();
    const waiting = (await bench.client()).query('SELECT count(*)::int AS n FROM t');
    raw.socket.destroy();
    expect((await waiting).rows).toEqual([{ n: 0 }]);
  });

  test('one that vanishes in the middle of a pipeline is rolled back: no Sync, no commit', async () => {
    const raw = await bench.raw();
    raw.send(
      message(0x50, '\0', "INSERT INTO t VALUES (6, 'ghost')\0", Buffer.from([0, 0])),
      message(0x42, '\0', '\0', Buffer.from([0, 0, 0, 0, 0, 0])),
      message(0x45, '\0', Buffer.from([0, 0, 0, 0])),
      message(0x48),
    );
    await raw.until((answers) => answers.some((answer) => answer[0] === 0x43));
    const waiting = (await bench.client()).query('SELECT count(*)::int AS n FROM t');
    raw.socket.destroy();
    expect((await waiting).rows).toEqual([{ n: 0 }]);
  });

  test('one that vanishes after an error in a pipeline does not leave the session skipping', async () => {
    const raw = await bench.raw();
    raw.send(message(0x50, '\0', 'SELECT nonsense(\0', Buffer.from([0, 0])), message(0x48));
    await raw.until((answers) => answers.some((answer) => answer[0] === 0x45));
    raw.socket.destroy();
    expect((await (await bench.client()).query('SELECT 1 AS v')).rows).toEqual([{ v: 1 }]);
  });

  test('one that idles in a transaction is ended with 57P05 and rolled back', async () => {
    const sleeper = await bench.client();
    const error = once(sleeper, 'error');
    await sleeper.query('BEGIN');
    await sleeper.query("INSERT INTO t VALUES (7, 'sleeper')");
    const waiting = (await bench.client()).query('SELECT count(*)::int AS n FROM t');
    bench.timers.fire(IDLE_MS);
    expect((await waiting).rows).toEqual([{ n: 0 }]);
    expect(await error).toMatchObject([{ code: '57P05' }]);
  });

  test('one that idles outside a transaction is left alone: no timer is armed for it', async () => {
    const idle = await bench.client();
    await idle.query('SELECT 1');
    expect([...bench.timers.armed].filter((timer) => timer.ms === IDLE_MS)).toEqual([]);
    expect((await idle.query('SELECT 2 AS v')).rows).toEqual([{ v: 2 }]);
  });

  test('one that left before its turn came costs nobody anything', async () => {
    const holder = await bench.client();
    await holder.query('BEGIN');
    const leaving = await bench.raw();
    leaving.send(simpleQuery('SELECT 1'));
    leaving.socket.destroy();
    await holder.query('COMMIT');
    expect((await (await bench.client()).query('SELECT 1 AS v')).rows).toEqual([{ v: 1 }]);
  });

  test('one that never says who it is is dropped', async () => {
    const socket = connect(bench.database.port, '127.0.0.1');
    await once(socket, 'connect');
    await expect.poll(() => [...bench.timers.armed].some((timer) => timer.ms === 10_000), PATIENT).toBe(true);
    bench.timers.fire(10_000);
    await once(socket, 'close');
  });

  test('one that reads nothing in a transaction is rolled back and cut off, its answers with it', async () => {
    const deaf = await bench.raw();
    deaf.socket.pause();
    // More than the sockets between us can hold.
    deaf.send(simpleQuery("BEGIN; INSERT INTO t VALUES (8, 'deaf'); SELECT repeat('x', 64000000)"));
    const cutOff = once(deaf.socket, 'close');
    // Its turn has begun when the clock of its idle transaction runs.
    const armed = (ms: number) => () => [...bench.timers.armed].some((timer) => timer.ms === ms);
    await expect.poll(armed(IDLE_MS), PATIENT).toBe(true);
    const waiting = (await bench.client()).query('SELECT count(*)::int AS n FROM t');
    bench.timers.fire(IDLE_MS);
    expect((await waiting).rows).toEqual([{ n: 0 }]);
    await expect.poll(armed(CLOSE_GRACE_MS), PATIENT).toBe(true);
    bench.timers.fire(CLOSE_GRACE_MS);
    deaf.socket.resume();
    await cutOff;
  });
});
