import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { momentsOf, readMcap, recordingOf } from '@sinew/recording/testing';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { runCommand } from '../main.js';

const SESSION = '01980000-0000-7000-8000-00000000000b';

let dir: string;
let file: string;
let server: Server;
let asked: string[];

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'sinew-record-'));
  file = join(dir, 'out.mcap');
  asked = [];
});
afterEach(() => {
  server?.close();
  rmSync(dir, { recursive: true });
});

/** Its parts as a gateway sends them, chunk by chunk. */
function recorded(): Uint8Array[] {
  const parts: Uint8Array[] = [];
  const recording = recordingOf((part) => parts.push(part));
  for (let n = 0; n < 20; n++) {
    for (const moment of momentsOf(n)) recording.add(moment);
    if (n % 5 === 4) recording.flush();
  }
  recording.end();
  return parts;
}

async function sinew(answer: RequestListener, ...argv: string[]): Promise<{ code: number; out: string; err: string }> {
  server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url} ${request.headers.authorization}`);
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const out: string[] = [];
  const err: string[] = [];
  const terminal = {
    env: {},
    isTty: false,
    out: (line: string) => out.push(line),
    err: (line: string) => err.push(line),
  };
  const code = await runCommand(['record', ...argv, '--url', url, '--key', 'k', '--data-dir', dir], terminal);
  return { code, out: out.join('\n'), err: err.join('\n') };
}

/** What came is in the file. */
async function untilWritten(parts: readonly Uint8Array[]): Promise<void> {
  const bytes = parts.reduce((sum, { length }) => sum + length, 0);
  await vi.waitUntil(() => existsSync(`${file}.part`) && statSync(`${file}.part`).size === bytes);
}

const sends =
  (parts: readonly Uint8Array[], cut = false): RequestListener =>
  (_, response) => {
    for (const part of parts) response.write(part);
    if (!cut) response.end();
    else void untilWritten(parts).then(() => response.destroy());
  };

it('records a session to its end, into a file that only its user may read', async () => {
  const parts = recorded();
  const { code, out } = await sinew(sends(parts), SESSION, '--out', file);
  expect([code, asked]).toEqual([0, [`GET /v1/sessions/${SESSION}/recording?images=true Bearer k`]]);
  expect(out).toMatch(/out\.mcap: \d+ messages$/);
  expect(readFileSync(file).equals(Buffer.concat(parts))).toBe(true);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(existsSync(`${file}.part`)).toBe(false);
});

it('leaves pictures out where it is told to', async () => {
  await sinew(sends(recorded()), SESSION, '--out', file, '--no-images');
  expect(asked[0]).toContain('?images=false');
});

it('keeps and indexes what came where the gateway goes away, and says so with its exit code', async () => {
  const { code, err, out } = await sinew(sends(recorded().slice(0, -2), true), SESSION, '--out', file, '--json');
  expect(code).toBe(1);
  expect(err).toContain('the gateway ended it');
  const { messages } = JSON.parse(out) as { messages: number };
  expect(messages).toBeGreaterThan(0);
  expect((await readMcap(readFileSync(file))).messages.length).toBe(messages);
});

it('says that it cannot write where the disk is full, and keeps what was written', async () => {
  const parts = recorded();
  const fits = parts.slice(0, -3);
  const room = Buffer.concat(fits).length;
  const probe = await open(join(dir, 'probe'), 'w');
  const files = Object.getPrototypeOf(probe) as typeof probe;
  const append = files.appendFile;
  await probe.close();
  const full = vi.spyOn(files, 'appendFile').mockImplementation(async function (this: typeof probe, ...args) {
    if ((await this.stat()).size >= room) throw new Error('ENOSPC: no space left on device');
    return await append.apply(this, args);
  });
  try {
    const more: RequestListener = (_, response) => {
      for (const part of fits) response.write(part);
      void untilWritten(fits).then(() => response.end(Buffer.concat(parts.slice(-3))));
    };
    const { code, err } = await sinew(more, SESSION, '--out', file);
    expect([code, err]).toEqual([1, expect.stringContaining('it cannot be written: ENOSPC')]);
    expect((await readMcap(readFileSync(file))).messages.length).toBeGreaterThan(0);
  } finally {
    full.mockRestore();
  }
});

it('ends what a killed one left behind; nothing is written over', async () => {
  writeFileSync(`${file}.part`, Buffer.concat(recorded().slice(0, 4)));
  const refused = await sinew(sends([]), SESSION, '--out', file);
  expect([refused.code, refused.err]).toEqual([1, expect.stringContaining(`sinew record --recover ${file}.part`)]);
  expect(asked).toEqual([]);
  const { code, out } = await sinew(sends([]), '--recover', `${file}.part`);
  expect([code, out]).toEqual([0, expect.stringContaining(`${file}: `)]);
  expect((await readMcap(readFileSync(file))).count('/tick')).toBe(10);
  expect((await sinew(sends([]), SESSION, '--out', file)).err).toContain('is there already');
});

it('says why it is refused, and which sessions run where none is named', async () => {
  const missing: RequestListener = (_, response) => {
    response.writeHead(404).end(JSON.stringify({ error: 'not_found', message: 'There is no such session here' }));
  };
  const refused = await sinew(missing, SESSION, '--out', file);
  expect([refused.code, refused.err]).toEqual([1, expect.stringContaining('There is no such session here')]);
  expect(existsSync(`${file}.part`)).toBe(false);
  const listing: RequestListener = (_, response) => {
    response.end(JSON.stringify({ sessions: [{ session_id: SESSION, robot_id: 'arm-1', robot_type: 'ur5e' }] }));
  };
  const unnamed = await sinew(listing);
  expect([unnamed.code, unnamed.err]).toEqual([2, expect.stringContaining(`${SESSION}  arm-1 (ur5e)`)]);
});

it('takes no file for a recording that is none', async () => {
  writeFileSync(file, 'a letter');
  const { code, err } = await sinew(sends([]), '--recover', file);
  expect([code, err]).toEqual([1, expect.stringContaining('it is no MCAP file')]);
  expect(readFileSync(file, 'utf8')).toBe('a letter');
});
