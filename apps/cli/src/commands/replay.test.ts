import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type JournalRecord, JournalWriter } from '@sinew/journal';
import { recordedSession, SESSION } from '@sinew/replay/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runCommand } from '../main.js';

async function run(...argv: string[]) {
  const out: string[] = [];
  const err: string[] = [];
  const code = await runCommand(['replay', ...argv], {
    env: {},
    isTty: false,
    out: (line) => out.push(line),
    err: (line) => err.push(line),
  });
  return { code, out, err };
}

/** A data folder whose journal holds these records, with its writer still at work. */
async function dataFolder(records: readonly JournalRecord[]): Promise<{ dir: string; writer: JournalWriter }> {
  const dir = await mkdtemp(join(tmpdir(), 'sinew-replay-'));
  const writer = await JournalWriter.open({
    dir: join(dir, 'journal'),
    node: 0,
    budgetBytes: 2 ** 26,
    now: () => Date.now(),
  });
  for (const record of records) writer.append(record);
  await writer.sync();
  return { dir, writer };
}

/** One bit of tick 12. */
function spoilt(records: JournalRecord[]): JournalRecord[] {
  return records.map((record) => {
    if (record.kind !== 'ticks' || record.part !== 1) return record;
    const sent = record.sent.slice();
    sent[2 * 7 * 8] = (sent[2 * 7 * 8] ?? 0) ^ 1;
    return { ...record, sent };
  });
}

let sound: Awaited<ReturnType<typeof dataFolder>>;
let damaged: Awaited<ReturnType<typeof dataFolder>>;
beforeAll(async () => {
  sound = await dataFolder(recordedSession());
  damaged = await dataFolder(spoilt(recordedSession()));
});
afterAll(async () => {
  for (const { dir, writer } of [sound, damaged]) {
    await writer.close();
    await rm(dir, { recursive: true });
  }
});

describe('sinew replay', () => {
  test('finds the journal by its folder, its data folder, or a session on the data folder; beside a live writer', async () => {
    const expected = await run(sound.dir);
    expect(expected.code).toBe(0);
    expect(expected.err).toEqual([]);
    expect(expected.out).toContain('  every number is the recorded one, bit for bit');
    expect(await run(join(sound.dir, 'journal'))).toEqual(expected);
    expect(await run(SESSION, '--data-dir', sound.dir)).toEqual(expected);
    expect(await run('--data-dir', sound.dir, '--session', SESSION)).toEqual(expected);
  });

  test('shows each tick with the stages that differ from what they became, and its flags', async () => {
    const { out } = await run(sound.dir, '--from', '20', '--to', '21');
    expect(out[0]).toMatch(/^ {3}tick {2}stage +x +y +z +rx +ry +rz +gripper {2}flags$/);
    expect(out.filter((line) => /^ +\d+ /.test(line)).map((line) => Number.parseInt(line, 10))).toEqual([20, 21]);
    expect(out.join('\n')).toContain('[estop]');
    const moving = (await run(sound.dir, '--from', '4', '--to', '12')).out.join('\n');
    expect(moving).toMatch(/smoothed[^\n]*\n +sent[^\n]* velocity/);
  });

  test('a number that is not the recorded one: exit code 1, where it is, and both values', async () => {
    const { code, out } = await run(damaged.dir, '--from', '12', '--to', '12');
    expect(code).toBe(1);
    expect(out.some((line) => line.trim().startsWith('recorded'))).toBe(true);
    expect(out.join('\n')).toMatch(/1 ticks DIFFER from the record, 1 of them in what is sent/);
    expect(out.join('\n')).toMatch(/first at tick 12 of episode 0: sent\[0\] was \S+, is \S+/);
  });

  test('--json is one line, with the ticks of the range', async () => {
    const { code, out } = await run(damaged.dir, '--json', '--from', '11', '--to', '13');
    expect(code).toBe(1);
    expect(out).toHaveLength(1);
    const document = JSON.parse(out[0] ?? '') as { ticks: { tick: number; same: boolean; sent: number[] }[] };
    expect(document).toMatchObject({
      identical: false,
      changed: false,
      faults: 0,
      sessions: [{ session_id: SESSION, ticks: 40, differing: 1, first: { n: 12, stage: 'sent', index: 0 } }],
    });
    expect(document.ticks.map(({ tick, same }) => [tick, same])).toEqual([
      [11, true],
      [12, false],
      [13, true],
    ]);
  });

  test('other settings are no fault: exit code 0, and what would have changed', async () => {
    const { code, out } = await run(sound.dir, '--limits', 'v=0.1,w=0.1', '--smoothing', 'ema', '--json');
    expect(code).toBe(0);
    const document = JSON.parse(out[0] ?? '') as { changed: boolean; sessions: { differing_sent: number }[] };
    expect(document.changed).toBe(true);
    expect(document.sessions[0]?.differing_sent).toBeGreaterThan(10);
    expect((await run(sound.dir, '--limits', 'v=0.1')).out.join('\n')).toMatch(/ticks would have been other/);
  });

  test('--svg draws every axis and stage, and nothing from outside', async () => {
    const file = join(sound.dir, 'plot.svg');
    await run(sound.dir, '--svg', file);
    const svg = await readFile(file, 'utf8');
    expect(svg).toMatch(/^<svg xmlns="http:\/\/www.w3.org\/2000\/svg"/);
    for (const name of ['x', 'rz', 'gripper', 'proposed', 'smoothed', 'sent']) expect(svg).toContain(`>${name}</text>`);
    expect(svg).toContain('<title>estop</title>');
    expect(svg).toMatch(/<title>tick \d+: velocity/);
    expect(svg).not.toMatch(/NaN|Infinity|undefined|href|<script|@import/);
    expect(svg.match(/<(svg|rect|text|line|circle|path|title)\b/g)?.length).toBeGreaterThan(80);
  });

  test.each([
    [['/no/such/folder'], 1, /neither a folder nor the id of a session/],
    [['--data-dir', tmpdir()], 1, /holds no journal/],
    [['--limits', 'v'], 2, /"v" is not NAME=NUMBER/],
    [['--limits', 'speed=1'], 2, /"speed=1" is not NAME=NUMBER/],
    [['--blend', 'some'], 2, /--blend must be/],
    [['a', 'b'], 2, /takes no "b"/],
  ])('%j is refused in words', async (argv, code, message) => {
    const result = await run(...argv);
    expect(result.code).toBe(code);
    expect(result.err.join('\n')).toMatch(message);
  });

  test('limits that a session may not have, and a session that is not there, are refused in words', async () => {
    expect((await run(sound.dir, '--limits', 'v=9')).err[0]).toMatch(/cannot be had: limits.v: 9 would loosen/);
    const unknown = '01900000-0000-7000-8000-00000000ffff';
    expect((await run(unknown, '--data-dir', sound.dir)).err[0]).toContain(`holds nothing of ${unknown}`);
  });
});
