import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadSettings, readRunFile } from '@sinew/config';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Clock, systemClock } from '../supervisor/clock.js';
import { FakeClock } from '../supervisor/fake-clock.js';
import type { ProcessEvent } from '../supervisor/supervised-process.js';
import { Instance, type Name } from './instance.js';

/** Every part is this script: it writes down its life and says it is ready. */
const PART = `
  const { appendFileSync } = require('node:fs');
  const name = process.env.PART_NAME ?? require('node:path').basename(__filename, '.cjs');
  const note = (what) => appendFileSync(process.env.SINEW_DATA_DIR + '/life', name + ' ' + what + '\\n');
  note('starts');
  process.on('SIGTERM', () => { note('stops'); process.exit(0); });
  process.on('disconnect', () => process.exit(0));
  const port = Number(name === 'database' ? process.env.SINEW_DB_PORT : process.env.SINEW_PORT) || 40000 + process.pid % 10000;
  const url = name === 'database' ? 'postgres://u:' + process.env.SINEW_DB_PASSWORD + '@127.0.0.1:' + port + '/db' : undefined;
  process.stdout.write(JSON.stringify({ event: 'ready', port, url, key: process.env.SINEW_API_KEY, db: process.env.DATABASE_URL, drain: process.env.SINEW_DRAIN_MS }) + '\\n');
  setInterval(() => undefined, 60000);
`;
/** Ignores SIGTERM. */
const DEAF = PART.replace("note('stops'); process.exit(0);", "note('stops');");
/** Finds its folder held the first four times. */
const LATE = `
  const fs = require('node:fs');
  fs.appendFileSync(process.env.SINEW_DATA_DIR + '/tries', '.');
  if (fs.readFileSync(process.env.SINEW_DATA_DIR + '/tries', 'utf8').length < 5) process.exit(3);
  ${PART}`;
const BROKEN = `process.stderr.write('Error: no such bundle\\n'); process.exit(1);`;
const NAMES: readonly Name[] = ['database', 'gateway', 'worker', 'shipper', 'sim'];

describe('Instance', () => {
  let dir: string;
  let seen: { name: string; event: ProcessEvent }[] = [];
  const waiting: (() => void)[] = [];
  const instances: Instance[] = [];

  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'sinew-up-'));
    seen = [];
    for (const name of NAMES) writeFileSync(join(dir, `${name}.cjs`), PART);
  });
  afterEach(async () => {
    for (const instance of instances.splice(0)) await instance.stop();
    rmSync(dir, { recursive: true });
  });

  function instance(
    env: Record<string, string> = {},
    prepare: () => Promise<string | null> = async () => 'vla_live_demo',
    { clock = systemClock, apiKey = null }: { clock?: Clock; apiKey?: string | null } = {},
  ) {
    const { settings } = loadSettings({ env: { SINEW_DATA_DIR: dir, SINEW_PORT: '0', ...env } });
    const made = new Instance({
      settings,
      apiKey,
      clock,
      entries: Object.fromEntries(NAMES.map((name) => [name, join(dir, `${name}.cjs`)])) as Record<Name, string>,
      prepare,
      report: (name, event) => {
        seen.push({ name, event });
        for (const wake of waiting.splice(0)) wake();
      },
    });
    instances.push(made);
    return made;
  }

  /** The nth ready line of a part, as soon as it is there. */
  async function ready(name: Name, nth: number): Promise<Record<string, unknown>> {
    for (;;) {
      const lines = seen.flatMap(({ name: from, event }) =>
        from === name && event.type === 'ready' ? [event.line] : [],
      );
      const line = lines[nth - 1];
      if (line !== undefined) return line;
      await new Promise<void>((resolve) => waiting.push(resolve));
    }
  }

  const life = (): string[] => readFileSync(join(dir, 'life'), 'utf8').trim().split('\n');

  it('starts what others need first, and stops in the reverse order', async () => {
    const up = instance();
    const addresses = await up.start();
    expect(addresses.http).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect(addresses).toMatchObject({
      ws: `${addresses.http.replace('http', 'ws')}/v1/stream`,
      apiKey: 'vla_live_demo',
    });
    up.startRobots();
    await ready('sim', 1);
    await up.stop();
    const order = life();
    expect(order.slice(0, 2)).toEqual(['database starts', 'gateway starts']);
    expect(order.slice(2, 4).sort()).toEqual(['shipper starts', 'worker starts']);
    expect(order.slice(4, 7)).toEqual(['sim starts', 'sim stops', 'gateway stops']);
    expect(order.slice(7, 9).sort()).toEqual(['shipper stops', 'worker stops']);
    expect(order.slice(9)).toEqual(['database stops']);
  });

  it('describes itself in run.json while it runs, with the ids of its processes', async () => {
    const up = instance();
    const { http, ws } = await up.start();
    const run = readRunFile(dir);
    expect(run).toMatchObject({ pid: process.pid, http, ws, embedded: true, redis_url: null });
    expect(Object.keys(run?.pids ?? {}).sort()).toEqual(['database', 'gateway', 'shipper', 'worker']);
    await up.stop();
    expect(readRunFile(dir)).toBeNull();
  });

  it('killed parts come back where others look for them: same ports, same database address', async () => {
    const up = instance();
    const { http } = await up.start();
    const before = readRunFile(dir)!;
    for (const name of ['database', 'gateway'] as const) process.kill(before.pids[name]!, 'SIGKILL');
    const [database, gateway] = await Promise.all([ready('database', 2), ready('gateway', 2)]);
    expect(database.url).toBe(before.database_url);
    expect(http).toBe(`http://127.0.0.1:${gateway.port}`);
    expect(gateway.db).toBe(before.database_url);
    expect(readRunFile(dir)?.pids.gateway).not.toBe(before.pids.gateway);
  });

  it('a part that cannot start ends the start, and says why', async () => {
    writeFileSync(join(dir, 'gateway.cjs'), BROKEN);
    await expect(instance().start()).rejects.toMatchObject({
      message: 'the gateway does not start',
      advice: ['Error: no such bundle', expect.stringContaining(join('logs', 'gateway.log'))],
    });
  });

  it('a part whose folder a dying predecessor still holds is waited for, not given up', async () => {
    writeFileSync(join(dir, 'gateway.cjs'), LATE);
    expect(await instance().start()).toMatchObject({ apiKey: 'vla_live_demo' });
    expect(readFileSync(join(dir, 'tries'), 'utf8')).toBe('.....');
  });

  it('stops within six seconds, whatever drain is asked for and however deaf its parts are', async () => {
    for (const name of NAMES) writeFileSync(join(dir, `${name}.cjs`), DEAF);
    const clock = new FakeClock();
    const up = instance({ SINEW_DRAIN_MS: '600000' }, undefined, { clock });
    await up.start();
    up.startRobots();
    await ready('sim', 1);
    expect((await ready('gateway', 1)).drain).toBe('1800');
    const before = clock.now();
    let stopped = false;
    const stopping = up.stop().then(() => {
      stopped = true;
    });
    while (!stopped) {
      // Time passes only while a part has time left; a killed one is gone when its exit is seen.
      if (clock.asleep.some((left) => left < 10_000)) clock.advance(100);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await stopping;
    expect(clock.now() - before).toBeLessThan(6000);
    expect(seen.filter(({ event }) => event.type === 'exited' && event.exit.signal === 'SIGKILL')).toHaveLength(5);
  });

  it('its own demo key comes before one from the environment, which may be for another gateway', async () => {
    const up = instance({}, undefined, { apiKey: 'vla_live_elsewhere' });
    expect(await up.start()).toMatchObject({ apiKey: 'vla_live_demo' });
    up.startRobots();
    expect(await ready('sim', 1)).toMatchObject({ key: 'vla_live_demo' });
  });

  it('robots know an address and a key, and not the way to the database', async () => {
    const up = instance();
    await up.start();
    up.startRobots();
    expect(await ready('sim', 1)).not.toHaveProperty('db');
  });

  it("uses a database of the user's own: starts none, makes no key, gives robots none", async () => {
    const up = instance({ DATABASE_URL: 'postgres://me@db.example/x' }, async () => null);
    expect(await up.start()).toMatchObject({ apiKey: null });
    expect(life().filter((line) => line.startsWith('database'))).toEqual([]);
    expect(readRunFile(dir)).toMatchObject({ embedded: false, database_url: 'postgres://me@db.example/x' });
  });

  it('can be stopped while it starts', async () => {
    writeFileSync(join(dir, 'gateway.cjs'), 'setInterval(() => undefined, 60000)');
    const up = instance();
    const started = up.start();
    await ready('database', 1);
    await Promise.all([expect(started).rejects.toThrow('stopped before it was ready'), up.stop()]);
    expect(life().at(-1)).toBe('database stops');
  });
});
