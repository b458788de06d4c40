import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { runCommand } from '../main.js';

const CUSTOMER = '01980000-0000-7000-8000-00000000000a';
const REPORT = {
  erasure_id: CUSTOMER,
  customer_id: CUSTOMER,
  log_id: null,
  before: '2026-11-21T09:00:00.000Z',
  requested_at: '2026-11-21T09:00:00.000Z',
  finished_at: '2026-11-21T09:00:01.000Z',
  status: 'complete',
  tables: { removed: { inference_logs: 3 }, blanked: {} },
  journals: [
    { journal_id: CUSTOMER, node: 0, removed: { inference: 3 }, blanked: {}, removed_before: 0, unreadable_bytes: 0 },
  ],
  kept: [{ what: 'the account', why: 'it goes on' }],
  pending: [],
  backups: 'go by their expiry',
};

let dir: string;
let server: Server;
let asked: string[];

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'sinew-data-'));
  asked = [];
});
afterEach(() => {
  server?.close();
  rmSync(dir, { recursive: true });
});

async function sinew(
  answer: RequestListener,
  ...argv: string[]
): Promise<{ code: number; out: string[]; err: string[] }> {
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
  const code = await runCommand(['data', ...argv, '--url', url, '--key', 'k', '--data-dir', dir], terminal);
  return { code, out, err };
}

const json =
  (status: number, body: object): RequestListener =>
  (_, response) => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  };

it('erases nothing without --yes', async () => {
  const { code, err } = await sinew(json(200, REPORT), 'erase', CUSTOMER);
  expect([code, asked]).toEqual([2, []]);
  expect(err.join('\n')).toContain('--yes');
});

it('erases a customer, or one inference, and tells what went and what stays', async () => {
  const { code, out } = await sinew(json(200, REPORT), 'erase', CUSTOMER, '--yes');
  expect(code).toBe(0);
  expect(out.join('\n')).toContain('database: removed 3 inference_logs; emptied nothing');
  expect(out.join('\n')).toContain('kept: the account (it goes on)');
  server.close();
  const pending = [{ part: 'journal', journal_id: CUSTOMER, node: 3, last_seen_at: 'then', trouble: null }];
  const running = await sinew(json(202, { ...REPORT, log_id: 7, status: 'running', pending }), 'erase', '7', '--yes');
  expect(running.code).toBe(1);
  expect(running.out.join('\n')).toContain('pending: journal of node 3, last seen then');
  expect(asked).toEqual([`DELETE /admin/customers/${CUSTOMER}/data Bearer k`, 'DELETE /v1/data/7 Bearer k']);
});

it('says why it may not', async () => {
  const { code, err } = await sinew(json(403, { error: 'forbidden', message: 'no' }), 'erasure', CUSTOMER);
  expect(code).toBe(1);
  expect(err.join('\n')).toMatch(/refused: no[\s\S]*--scopes admin/);
});

const LINES = [
  { kind: 'export' },
  { kind: 'log', row: { log_id: 1 } },
  { kind: 'summary', complete: true, counts: { log: 1 } },
];
const text = (lines: readonly object[]): string => lines.map((line) => `${JSON.stringify(line)}\n`).join('');

it('exports into a file that only its owner reads, when it is complete', async () => {
  const file = join(dir, 'mine.ndjson');
  const { code, err } = await sinew((_, response) => response.end(text(LINES)), 'export', CUSTOMER, '--out', file);
  expect([code, err]).toEqual([0, [`${file}: 1 log`]]);
  expect(readFileSync(file, 'utf8')).toBe(text(LINES));
  expect(statSync(file).mode & 0o777).toBe(0o600);
});

it.each([
  ['ends early', (_: unknown, response: { end: (text: string) => void }) => response.end(text(LINES.slice(0, 2)))],
  [
    'breaks off',
    (_: unknown, response: { write: (text: string) => void; destroy: () => void }) => {
      response.write(text(LINES.slice(0, 2)));
      setImmediate(() => response.destroy());
    },
  ],
] as const)('leaves no file of an export that %s', async (_, answer) => {
  const file = join(dir, 'mine.ndjson');
  const { code, err } = await sinew(answer as unknown as RequestListener, 'export', CUSTOMER, '--out', file);
  expect(code).toBe(1);
  expect(err.join('\n')).toContain('the export was cut');
  expect([existsSync(file), existsSync(`${file}.part`)]).toEqual([false, false]);
});
