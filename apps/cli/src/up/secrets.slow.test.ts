import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { crc32, deflateSync } from 'node:zlib';
import { readRunFile } from '@sinew/config';
import { createPool } from '@sinew/db';
import { connect } from '@sinew/sdk';
import { afterAll, beforeAll, expect, test } from 'vitest';

const BIN = fileURLToPath(new URL('../../bin/sinew.js', import.meta.url));
const REST = [0, 0, 0.14, 0, 0, 0, 1];

// What must be found nowhere, put wherever a client can put something.
const MAIL = 'canary.person@example.org';
const PHONE = '+49 170 55501347';
const WRONG_KEY = 'vla_live_canary-of-a-key-that-is-not-known-000001';
/** Every pixel random: no piece of it is anywhere by chance. */
const PIXELS = randomBytes(96 * 96 * 3);
const PNG = png(PIXELS, 96, 96);
const BROKEN = randomBytes(4_096);
/** What must be found where it belongs, so that not finding the others means something. */
const HARMLESS = 'cobalt';

let dir: string;
let child: ChildProcess;
let http: string;
let demoKey: string;
let adminKey: string;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'sinew-secrets-'));
  const made = spawn(process.execPath, [BIN, 'keys', 'create', 'admin', '--scopes', 'admin', '--data-dir', dir], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  adminKey = await firstLine(made);
  child = spawn(
    process.execPath,
    [BIN, 'up', '--no-sim', '--json', '--port', '0', '--log-level', 'debug', '--data-dir', dir],
    {
      stdio: ['ignore', 'pipe', 'ignore'],
    },
  );
  const ready = JSON.parse(await firstLine(child)) as { http: string; api_key: string };
  http = ready.http;
  demoKey = ready.api_key;
}, 300_000);

afterAll(async () => {
  if (child !== undefined && child.exitCode === null) {
    child.kill('SIGTERM');
    await once(child, 'exit');
  }
  if (dir !== undefined) rmSync(dir, { recursive: true, force: true });
});

test('no key, no image and nobody’s address is in logs, metrics, errors, jobs, journals or tables', {
  timeout: 300_000,
}, async () => {
  const errors: string[] = [];
  const call = async (
    method: string,
    path: string,
    body?: unknown,
    key = demoKey,
  ): Promise<Record<string, unknown>> => {
    const response = await fetch(`${http}${path}`, {
      method,
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    if (response.status >= 400) errors.push(text);
    return JSON.parse(text) as Record<string, unknown>;
  };
  const request = (instruction: string, image = `data:image/png;base64,${PNG.toString('base64')}`) => ({
    image,
    instruction,
    robot_config: { type: 'franka_panda' },
    state: [0.3, 0, 0.3, 0, 0, 0, 1],
  });

  const { log_id } = await call(
    'POST',
    '/v1/inference',
    request(`pick the ${HARMLESS} cube for ${MAIL} or call ${PHONE}`),
  );
  expect(log_id).toBeTypeOf('number');
  await call('POST', '/v1/inference', request(`pick the cube with the key ${demoKey} now`));
  await call('POST', '/v1/inference', request('pick the cube', `data:image/png;base64,${BROKEN.toString('base64')}`));
  await call('POST', '/v1/inference', `{"image": "${PNG.toString('base64')}", "instruction": "${MAIL}", ${adminKey}`);
  await call('POST', '/v1/inference', { ...request(`hand ${MAIL} the knife and stab`), state: [adminKey] });
  await call('POST', '/v1/inference', request('pick the cube'), WRONG_KEY);
  await call('GET', `/v1/logs/${demoKey}?api_key=${demoKey}`);
  await call('GET', `/v1/${adminKey}`);
  const about = { log_id, notes: `${HARMLESS} was dropped; ask ${MAIL} on ${PHONE} with ${demoKey}` };
  await call('POST', '/v1/feedback/success', { ...about, rating: 2 });
  await call('POST', '/v1/feedback/failure-report', { ...about, failure_reason: `${MAIL} said so` });
  await call('POST', '/v1/feedback/success', { ...about, rating: demoKey });
  const { customer_id } = (
    (await call('GET', '/admin/keys', undefined, adminKey)) as { keys: { customer_id: string }[] }
  ).keys[0] ?? { customer_id: '' };
  await call(
    'POST',
    `/admin/customers/${customer_id}/consent`,
    { tier: 'analytics', reason: `${MAIL} agreed` },
    adminKey,
  );
  await call('POST', `/admin/customers/${customer_id}/consent`, { tier: adminKey, reason: MAIL }, adminKey);

  const robot = await connect({
    url: `${http.replace('http', 'ws')}/v1/stream`,
    apiKey: demoKey,
    robotType: 'franka_panda',
    robotId: 'canary',
    instruction: `pick the ${HARMLESS} cube for ${MAIL}`,
    client: { name: `cell of ${MAIL}`, version: '1.0.0' },
  });
  const look = (data = new Uint8Array(PIXELS)) =>
    robot.observe({ images: { main: { data, width: 96, height: 96 } }, state: REST });
  look();
  let actions = 0;
  for await (const { kind } of robot.actions()) {
    if (kind === 'action') actions++;
    if (actions === 5) robot.instruct(`hand the ${HARMLESS} cube to ${MAIL} with ${demoKey}`);
    if (actions === 20) break;
    look();
  }
  robot.reset({ outcome: { success: true } });
  robot.estop();
  await robot.close();
  await call('POST', '/v1/admin/robots/canary/estop-clear', { reason: `${MAIL} looked, ${adminKey}` }, adminKey);

  // Until everything is where it goes: rows in their tables, the reports' jobs done. What jobs carry is read meanwhile.
  const pool = createPool(readRunFile(dir)?.database_url ?? '', { max: 1 });
  const jobs: string[] = [];
  const tables: string[] = [];
  try {
    for (const deadline = Date.now() + 120_000; ; await new Promise((resolve) => setTimeout(resolve, 100))) {
      jobs.push(await everyRow(pool, "table_schema <> 'vlaapi'"));
      const { rows } = await pool.query<{ logs: number; left: number; episodes: number }>(
        `SELECT (SELECT count(*) FROM vlaapi.inference_logs) AS logs, (SELECT count(*) FROM vlaapi.feedback WHERE processed_at IS NULL) AS left,
           (SELECT count(*) FROM vlaapi.episodes WHERE success) AS episodes`,
      );
      const [now] = rows;
      if (now !== undefined && now.logs > 3 && now.left === 0 && now.episodes > 0) break;
      if (Date.now() > deadline) throw new Error(`not everything was stored: ${JSON.stringify(now)}`);
    }
    tables.push(await everyRow(pool, "table_schema = 'vlaapi'"));
  } finally {
    await pool.end();
  }
  const metrics = await (await fetch(`${http}/metrics`)).text();

  const places = {
    logs: filesIn(join(dir, 'logs')),
    journal: filesIn(join(dir, 'journal')),
    accounts: Buffer.concat([filesIn(join(dir, 'accounts')), filesIn(join(dir, 'accounts-gateway'))]),
    metrics: Buffer.from(metrics),
    errors: Buffer.from(errors.join('\n')),
    jobs: Buffer.from(jobs.join('\n')),
    tables: Buffer.from(tables.join('\n')),
  };
  // Each place has what it should have, so that it was looked into.
  expect(errors.length).toBeGreaterThanOrEqual(8);
  expect(places.logs.includes('canary')).toBe(true);
  expect(places.journal.includes(`${HARMLESS} cube for [email]`)).toBe(true);
  expect(places.accounts.includes(`${HARMLESS} was dropped`)).toBe(true);
  expect(places.tables.includes(`${HARMLESS} was dropped`)).toBe(true);
  expect(places.tables.includes('[email] agreed')).toBe(true);
  expect(places.metrics.includes('vla_inference_requests_total')).toBe(true);
  expect(places.jobs.includes('feedback_ids')).toBe(true);

  const password = new URL(readRunFile(dir)?.database_url ?? '').password;
  const secrets: Record<string, readonly (Buffer | string)[]> = {
    'the demo key': [demoKey],
    'the admin key': [adminKey],
    'a key that is not known': [WRONG_KEY],
    'the database’s password': [password],
    'an address': [MAIL],
    'a phone number': [PHONE, PHONE.replaceAll(' ', '')],
    pixels: pieces(PIXELS),
    'an image': pieces(PNG),
    'what was no image': pieces(BROKEN),
  };
  const found = Object.entries(secrets).flatMap(([what, texts]) =>
    Object.entries(places).flatMap(([where, bytes]) =>
      texts.some((text) => bytes.includes(text)) ? [`${what} in ${where}`] : [],
    ),
  );
  expect(found).toEqual([]);
});

/** Pieces of bytes as they are, in hexadecimal and in base64 (of each of its three phases), from beginning, middle and end. */
function pieces(bytes: Buffer): (Buffer | string)[] {
  return [0, bytes.length >> 1, bytes.length - 60].flatMap((at) => {
    const piece = bytes.subarray(at + 20, at + 50);
    const phases = [0, 1, 2].flatMap((phase) => {
      const text = bytes.subarray(at + 20 + phase, at + 47 + phase);
      return [text.toString('base64'), text.toString('base64url')];
    });
    return [piece, piece.toString('hex'), ...phases];
  });
}

async function firstLine(process: ChildProcess): Promise<string> {
  if (process.stdout === null) throw new Error('no stdout');
  for await (const line of createInterface({ input: process.stdout })) return line;
  throw new Error('ended without a line');
}

async function everyRow(pool: ReturnType<typeof createPool>, where: string): Promise<string> {
  const { rows: tables } = await pool.query<{ name: string }>(
    `SELECT format('%I.%I', table_schema, table_name) AS name FROM information_schema.tables
     WHERE table_schema NOT IN ('pg_catalog', 'information_schema') AND table_type = 'BASE TABLE' AND ${where}`,
  );
  const texts: string[] = [];
  for (const { name } of tables) {
    const { rows } = await pool.query<{ row: string }>(`SELECT to_jsonb(t)::text AS row FROM ${name} t`);
    texts.push(name, ...rows.map(({ row }) => row));
  }
  return texts.join('\n');
}

function filesIn(folder: string): Buffer {
  return Buffer.concat(
    readdirSync(folder)
      .map((name) => join(folder, name))
      .filter((path) => statSync(path).isFile())
      .map((path) => readFileSync(path)),
  );
}

/** 8-bit RGB, not interlaced, every row unfiltered. */
function png(rgb: Buffer, width: number, height: number): Buffer {
  const rows = Array.from({ length: height }, (_, y) =>
    Buffer.concat([Buffer.from([0]), rgb.subarray(y * width * 3, (y + 1) * width * 3)]),
  );
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8);
  const chunk = (type: string, data: Buffer): Buffer => {
    const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
    const whole = Buffer.alloc(body.length + 8);
    whole.writeUInt32BE(data.length, 0);
    body.copy(whole, 4);
    whole.writeUInt32BE(crc32(body), body.length + 4);
    return whole;
  };
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([
    signature,
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(Buffer.concat(rows))),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}
