import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { runCommand } from '../main.js';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'sinew-keys-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

async function sinew<T>(...argv: string[]): Promise<T> {
  const out: string[] = [];
  const err: string[] = [];
  const terminal = {
    env: {},
    isTty: false,
    out: (line: string) => out.push(line),
    err: (line: string) => err.push(line),
  };
  expect(await runCommand([...argv, '--data-dir', dir, '--json'], terminal), err.join('\n')).toBe(0);
  expect(out).toHaveLength(1);
  return JSON.parse(out[0] ?? '') as T;
}

interface Key {
  readonly key_id: string;
  readonly key: string;
}

it('keys live through the loss of the embedded database: migrate --rebuild brings them back from their journal', async () => {
  const first = await sinew<Key>('keys', 'create', 'arm 1');
  const second = await sinew<Key>(
    'keys',
    'create',
    'arm 2',
    '--customer',
    'acme',
    '--scopes',
    'stream,admin',
    '--expires-days',
    '30',
  );
  expect(await sinew('keys', 'revoke', first.key_id)).toEqual({ key_id: first.key_id, revoked: true });
  expect(await sinew('keys', 'revoke', first.key_id)).toEqual({ key_id: first.key_id, revoked: false });
  const before = await sinew<Record<string, unknown>[]>('keys', 'list');
  expect(before).toMatchObject([
    { key_id: first.key_id, customer_name: 'demo', name: 'arm 1', scopes: ['stream', 'infer'] },
    { key_id: second.key_id, customer_name: 'acme', scopes: ['stream', 'admin'], revoked_at: null },
  ]);
  expect(JSON.stringify(before)).not.toContain(second.key);

  expect(await sinew('migrate', '--rebuild')).toMatchObject({ customers: 2, keys: 2, inferences: 0 });
  const after = await sinew<Record<string, unknown>[]>('keys', 'list');
  expect(after.map(({ revoked_at: _, ...key }) => key)).toEqual(before.map(({ revoked_at: _, ...key }) => key));
  expect(after.map((key) => key.revoked_at === null)).toEqual([false, true]);
}, 180_000);
