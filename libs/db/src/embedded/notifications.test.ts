import { once } from 'node:events';
import type pg from 'pg';
import { describe, expect, test } from 'vitest';
import { PATIENT, useWireBench } from '../testing/wire-bench.js';

const bench = useWireBench();

describe('LISTEN and NOTIFY', () => {
  const heard = (one: pg.Client) => {
    const list: string[] = [];
    one.on('notification', (n) => list.push(`${n.channel}=${n.payload}`));
    return list;
  };

  test('a notification reaches every listener and nobody else, also those that are idle', async () => {
    const [a, b, deaf, sender] = [
      await bench.client(),
      await bench.client(),
      await bench.client(),
      await bench.client(),
    ];
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
    const [a, b, c, sender] = [await bench.client(), await bench.client(), await bench.client(), await bench.client()];
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
    const [listener, sender] = [await bench.client(), await bench.client()];
    const list = heard(listener);
    await listener.query('LISTEN tx');
    await sender.query("BEGIN; NOTIFY tx, 'lost'; ROLLBACK");
    const got = once(listener, 'notification');
    await sender.query("BEGIN; NOTIFY tx, 'kept'; COMMIT");
    await got;
    expect(list).toEqual(['tx=kept']);
  });

  test('the session stops listening when the last listener is gone', async () => {
    const [listener, watcher] = [await bench.client(), await bench.client()];
    await listener.query('LISTEN last');
    const channels = async () => (await watcher.query('SELECT pg_listening_channels() AS c')).rows.map((row) => row.c);
    expect(await channels()).toContain('last');
    await listener.end();
    await expect.poll(channels, PATIENT).not.toContain('last');
  });
});
