import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { nodeIo } from './io.js';
import { threadedIo } from './threaded-io.js';

const shared = (text: string): Buffer => {
  const bytes = Buffer.from(new SharedArrayBuffer(text.length));
  bytes.write(text, 'latin1');
  return bytes;
};

// Written twice, for who may wait and for who may not: what a segment's file is must not depend on it.
describe.each([
  ['in the event loop', () => nodeIo],
  ['on threads', threadedIo],
])('segment files made %s', (_, make) => {
  let dir: string;
  let io: ReturnType<typeof make>;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'sinew-io-'));
    io = make();
  });
  afterEach(async () => {
    await io.close?.();
    rmSync(dir, { recursive: true });
  });

  it('[F3] are named with their header in them, and under no other name', async () => {
    const file = await io.create(join(dir, 'segment'), Buffer.from('head'));
    expect(readdirSync(dir)).toEqual(['segment']);
    expect(readFileSync(join(dir, 'segment'), 'latin1')).toBe('head');
    await file.close();
  });

  it('[F3] never take a name that is taken, and leave what is there', async () => {
    await (await io.create(join(dir, 'segment'), Buffer.from('first'))).close();
    await expect(io.create(join(dir, 'segment'), Buffer.from('second'))).rejects.toMatchObject({ code: 'EEXIST' });
    expect(readFileSync(join(dir, 'segment'), 'latin1')).toBe('first');
  });

  it('[W1] hold what was written where it was written, and end where they were cut', async () => {
    const file = await io.create(join(dir, 'segment'), Buffer.from('head'));
    await file.write(shared('one two '), 7, 4);
    await file.sync();
    expect(readFileSync(join(dir, 'segment'), 'latin1')).toBe('headone two');
    await file.truncate(7);
    await file.write(shared('!'), 1, 7);
    expect(readFileSync(join(dir, 'segment'), 'latin1')).toBe('headone!');
    await file.close();
  });
});
