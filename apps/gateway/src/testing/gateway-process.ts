import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { createPool, EMPTY_BATCH, migrate, type Repositories, repositories } from '@sinew/db';
import { episodeRow, inferenceRow, type ServerDatabase, sessionRow, startTestDatabase } from '@sinew/db/testing';
import { LOG_ID_EPOCH_MS, logIdTimeMs } from '@sinew/journal';
import type { Pool } from 'pg';
import { v7 as uuidv7 } from 'uuid';

const ENTRY = fileURLToPath(new URL('../../dist/main.js', import.meta.url));
const ALL_SCOPES = ['stream', 'infer', 'feedback', 'full_speed', 'admin'] as const;
/** What is left of a log_id below its milliseconds. */
const IDS_A_MS = 2 ** 13;

/** As an `ee_delta` policy gives it. */
const CHUNK = {
  action_dim: 7,
  action_vector: [0.08, 0.03, 0.01, 0, 0, 0.08, 1],
  chunk: new Uint8Array(new Float32Array(14).buffer),
};

/** A customer with something of everything that has an id. */
export interface Tenant {
  readonly customerId: string;
  /** With every scope. */
  readonly key: string;
  readonly keyId: string;
  /** Another key of it, which a test may end. */
  readonly spareKeyId: string;
  readonly sessionId: string;
  readonly logId: number;
  readonly requestId: string;
  readonly erasureId: string;
  readonly robotId: string;
}

export interface GatewayProcess {
  readonly http: string;
  readonly port: number;
  readonly pool: Pool;
  readonly repo: Repositories;
  readonly mine: Tenant;
  readonly theirs: Tenant;
  /** Its customer operates the installation. */
  readonly operator: Tenant;
  /** What it has logged so far. */
  logged(): string;
  stop(): Promise<void>;
}

/** The gateway as it runs in production: its built entry as a process, on a real database, with everything mounted. */
export async function startGatewayProcess(
  connect: () => Promise<ServerDatabase> = startTestDatabase,
): Promise<GatewayProcess> {
  const database = await connect();
  const dataDir = await mkdtemp(join(tmpdir(), 'sinew-gateway-'));
  const pool = createPool(database.url);
  const repo = repositories(pool);
  await migrate(pool);
  const [mine, theirs, operator] = [
    await tenant(pool, repo, 'mine'),
    await tenant(pool, repo, 'theirs'),
    await tenant(pool, repo, 'operator'),
  ];
  await pool.query('UPDATE vlaapi.customers SET is_operator = true WHERE customer_id = $1', [operator.customerId]);
  const child = spawn(process.execPath, [ENTRY], {
    env: {
      PATH: process.env.PATH,
      DATABASE_URL: database.url,
      SINEW_DATA_DIR: dataDir,
      SINEW_PORT: '0',
      SINEW_POLICIES: 'null',
    },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let logged = '';
  child.stderr.on('data', (chunk: Buffer) => {
    logged += chunk.toString();
  });
  const port = await readyPort(child, () => logged);
  return {
    http: `http://127.0.0.1:${port}`,
    port,
    pool,
    repo,
    mine,
    theirs,
    operator,
    logged: () => logged,
    async stop() {
      await ended(child);
      await pool.end();
      await database.close();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

function readyPort(child: ChildProcess, logged: () => string): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`the gateway ended with ${code}: ${logged()}`)));
    if (child.stdout === null) throw new Error('the gateway has no stdout');
    createInterface({ input: child.stdout }).on('line', (line) => {
      const event = JSON.parse(line) as { event: string; port: number };
      if (event.event === 'ready') resolve(event.port);
    });
  });
}

function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    child.once('exit', () => resolve());
    child.kill('SIGTERM');
  });
}

let nextLogId = (Date.now() - 60_000 - LOG_ID_EPOCH_MS) * IDS_A_MS;

async function tenant(pool: Pool, repo: Repositories, name: string): Promise<Tenant> {
  const { customer_id } = await repo.accounts.createCustomer({ name, tier: 'enterprise' });
  const { key, key_id } = await repo.accounts.createKey(customer_id, { name: 'all', scopes: [...ALL_SCOPES] });
  const spare = await repo.accounts.createKey(customer_id, { name: 'spare' });
  const logId = nextLogId;
  nextLogId += IDS_A_MS;
  const robotId = `arm-of-${name}`;
  const session = sessionRow({ customer_id, key_id, robot_id: robotId });
  const { session_id } = session;
  const request_id = uuidv7();
  const timestamp = new Date(logIdTimeMs(logId)).toISOString();
  const shared = { customer_id, session_id, robot_id: robotId };
  await repo.shipping.store({
    ...EMPTY_BATCH,
    sessions: [session],
    episodes: [episodeRow({ ...shared, first_log_id: logId, last_log_id: logId })],
    inferences: [inferenceRow({ ...shared, ...CHUNK, key_id, log_id: logId, request_id, timestamp })],
  });
  const erasureId = uuidv7();
  await pool.query(
    `INSERT INTO vlaapi.erasures (erasure_id, customer_id, before, requested_by) VALUES ($1, $2, '2026-01-02', $3)`,
    [erasureId, customer_id, key_id],
  );
  return {
    customerId: customer_id,
    key,
    keyId: key_id,
    spareKeyId: spare.key_id,
    sessionId: session_id,
    logId,
    requestId: request_id,
    erasureId,
    robotId,
  };
}
