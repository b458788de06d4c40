import { randomUUID } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { JournalWriter } from '@sinew/journal';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { runCommand } from '../main.js';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'sinew-keys-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

const sinew = <T>(...argv: string[]): Promise<T> => run(0, ...argv);

async function run<T>(code: number, ...argv: string[]): Promise<T> {
  const out: string[] = [];
  const err: string[] = [];
  const terminal = {
    env: {},
    isTty: false,
    out: (line: string) => out.push(line),
    err: (line: string) => err.push(line),
  };
  expect(await runCommand([...argv, '--data-dir', dir, '--json'], terminal), err.join('\n')).toBe(code);
  expect(out).toHaveLength(1);
  return JSON.parse(out[0] ?? '') as T;
}

interface Key {
  readonly key_id: string;
  readonly customer_id: string;
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
    { key_id: first.key_id, customer_name: 'demo', name: 'arm 1', scopes: ['stream', 'infer', 'feedback'] },
    { key_id: second.key_id, customer_name: 'acme', scopes: ['stream', 'admin'], revoked_at: null },
  ]);
  expect(JSON.stringify(before)).not.toContain(second.key);

  expect(await sinew('migrate', '--rebuild')).toMatchObject({ customers: 2, keys: 2, inferences: 0 });
  const after = await sinew<Record<string, unknown>[]>('keys', 'list');
  expect(after.map(({ revoked_at: _, ...key }) => key)).toEqual(before.map(({ revoked_at: _, ...key }) => key));
  expect(after.map((key) => key.revoked_at === null)).toEqual([false, true]);
}, 180_000);

it('a database that is gone comes back by itself: accounts with what was revoked, inferences from the journal', async () => {
  const first = await sinew<Key>('keys', 'create', 'arm 1');
  await sinew('keys', 'create', 'arm 2');
  await sinew('keys', 'revoke', first.key_id);
  const before = await sinew<Record<string, unknown>[]>('keys', 'list');
  await inferences(first, 2500);
  expect(await sinew<unknown[]>('logs', '--last', '5000')).toHaveLength(2500);

  rmSync(join(dir, 'database'), { recursive: true });
  const after = await sinew<Record<string, unknown>[]>('keys', 'list');
  const plain = ({ revoked_at, last_used_at: _, ...key }: Record<string, unknown>) => [key, revoked_at === null];
  expect(after.map(plain)).toEqual(before.map(plain));
  expect(await sinew<unknown[]>('logs', '--last', '5000')).toHaveLength(2500);

  const rebuilt = await sinew<{ kept: string }>('migrate', '--rebuild');
  expect(rebuilt).toMatchObject({ customers: 1, keys: 2, inferences: 2500, damaged: 0, complete: true });
  expect(existsSync(join(rebuilt.kept, 'PG_VERSION'))).toBe(true);

  // Damage costs what stood there: said, and not taken for a success.
  const segment = join(
    dir,
    'journal',
    readdirSync(join(dir, 'journal'))
      .filter((name) => name.endsWith('.journal'))
      .sort()[0]!,
  );
  const bytes = readFileSync(segment);
  bytes.fill(0xff, bytes.length >> 1, (bytes.length >> 1) + 64);
  writeFileSync(segment, bytes);
  const damaged = await run<{ inferences: number; damaged: number }>(1, 'migrate', '--rebuild');
  expect(damaged.damaged).toBeGreaterThan(0);
  expect(damaged.inferences).toBeLessThan(2500);
}, 600_000);

it('keys are rotated and customers changed, and a lost database comes back with both', async () => {
  const old = await sinew<Key>('keys', 'create', 'arm', '--customer', 'acme', '--tier', 'pro');
  const made = await sinew<Key & { rotated_from: string; old_expires_at: string }>('keys', 'rotate', old.key_id);
  expect(made).toMatchObject({ rotated_from: old.key_id, customer_id: old.customer_id });
  expect(made.key).not.toBe(old.key);
  const grace = Date.parse(made.old_expires_at) - Date.now();
  expect(grace).toBeGreaterThan(0);
  expect(grace).toBeLessThanOrEqual(3_600_000);

  const limits = ['--limits', 'sessions=3,monthly_inferences=none'];
  await sinew('customers', 'update', 'acme', '--rename', 'Acme', '--operator', 'yes', ...limits);
  await sinew('customers', 'create', 'Bolt');
  const before = await sinew<Record<string, unknown>[]>('customers', 'list');
  expect(before).toMatchObject([
    { name: 'Acme', tier: 'pro', is_operator: true, limits: { sessions: 3, monthly_inferences: null } },
    { name: 'Bolt', tier: 'free', is_operator: false, limits: null },
  ]);
  const keys = await sinew<unknown[]>('keys', 'list');
  expect(await sinew('migrate', '--rebuild')).toMatchObject({ customers: 2, keys: 2 });
  expect(await sinew('customers', 'list')).toEqual(before);
  expect(await sinew('keys', 'list')).toEqual(keys);
}, 300_000);

it('migrate --status changes nothing, and fails until everything is there', async () => {
  const nothing = await run<{ pending: string[]; applied: string[] }>(1, 'migrate', '--status');
  expect(nothing.applied).toEqual([]);
  expect(nothing.pending.length).toBeGreaterThan(0);
  expect(existsSync(join(dir, 'database'))).toBe(false);
  await sinew('migrate');
  const found = await sinew<{ applied: { name: string }[]; up_to_date: boolean; partitions: object }>(
    'migrate',
    '--status',
  );
  expect(found).toMatchObject({ pending: [], changed: [], up_to_date: true, partitions: { missing: [], strays: 0 } });
  expect(found.applied.map(({ name }) => name)).toEqual(nothing.pending);
}, 180_000);

async function inferences({ key_id, customer_id }: Key, count: number): Promise<void> {
  const options = { dir: join(dir, 'journal'), node: 0, budgetBytes: 2 ** 28, now: () => Date.now() };
  const writer = await JournalWriter.open(options);
  for (let i = 0; i < count; i++) {
    writer.append({
      v: 1,
      kind: 'inference',
      log_id: writer.nextLogId(),
      t_ms: Date.now(),
      session_id: randomUUID(),
      customer_id,
      request_id: randomUUID(),
      key_id,
      episode: 0,
      robot_id: 'arm',
      robot_type: 'franka_panda',
      model_id: 'tabletop-v1',
      model_version: '1',
      instruction: 'pick up the red cube',
      observation_seq: i,
      observation_age_ms: 1,
      base_tick: 0,
      state: [0, 0, 0],
      image_shape: [96, 96, 3],
      chunk: new Uint8Array(4),
      shape: [1, 1],
      queue_ms: 1,
      decode_ms: 1,
      inference_ms: 1,
      total_ms: 3,
      status: 'ok',
      safety_score: 1,
      safety_flags: [],
    });
  }
  await writer.close();
}

it('a key is made for a customer by its id too, and no id that is not there becomes a name', async () => {
  const { customer_id } = await sinew<Key>('keys', 'create', 'arm 1', '--customer', 'acme');
  expect(await sinew<Key>('keys', 'create', 'arm 2', '--customer', customer_id)).toMatchObject({ customer_id });
  await expect(sinew('keys', 'create', 'arm 3', '--customer', randomUUID())).rejects.toThrow('there is no customer');
  expect(await sinew<Key[]>('keys', 'list')).toHaveLength(2);
}, 60_000);
