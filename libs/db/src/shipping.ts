import { instructionCategory } from '@sinew/contracts';
import type { Pool, PoolClient } from 'pg';
import { withoutErased } from './erasure-filter.js';
import { JSON_ROWS, storeAsJson, storeByCopy, takesCopy } from './inference-store.js';
import { instructionHash } from './instruction-hash.js';
import { makePartitionsFor } from './partitions.js';
import { storeQualityFailures } from './quality-failures.js';
import type {
  EpisodeRow,
  HeldInference,
  IncidentRow,
  InferenceRow,
  SessionRow,
  ShippedBatch,
  StoreResult,
} from './shipping-rows.js';
import { storableJson } from './storable-json.js';
import { inTransaction } from './transaction.js';
import { addUsage } from './usage.js';

/**
 * Journal segments are deleted on the strength of this commit, so it waits for the disk whatever role or server have by default.
 * A statement that waits for a lock for so long is given up: its caller is gone, and sends the batch again.
 */
const DURABLE = "SET LOCAL synchronous_commit = on; SET LOCAL statement_timeout = '20s'";

export type Shipping = ReturnType<typeof shipping>;

/** Where journal records become rows. */
export function shipping(pool: Pool) {
  /** Asked once; again where the answer did not come. */
  let copies: boolean | null = null;
  return {
    /**
     * Stores a batch in one transaction. Idempotent: sent twice, or overlapping an earlier batch, it ends in the same rows.
     * The caller may advance its checkpoint when this resolves, and must send the batch again when it throws. `waiting` is called when
     * the database has the inferences of a statement and works on them: a good moment for other work, if there are any.
     */
    async store(shipped: ShippedBatch, waiting?: () => void): Promise<StoreResult> {
      // Before, not inside: a new partition locks the whole table until its transaction ends.
      await makePartitionsFor(
        pool,
        shipped.inferences.map((row) => row.timestamp),
      );
      if (shipped.inferences.length > 0) copies ??= await takesCopy(pool);
      const [storeInferences, rowsATime] =
        copies === true ? [storeByCopy, Number.POSITIVE_INFINITY] : [storeAsJson, JSON_ROWS];
      return inTransaction(pool, async (client) => {
        await client.query(DURABLE);
        const { batch, erased } = await withoutErased(client, shipped);
        for (const rows of chunks(lastOf(batch.sessions, (s) => s.session_id))) await storeSessions(client, rows);
        for (const rows of chunks(lastOf(batch.episodes, (e) => `${e.session_id}/${e.episode}`))) {
          await storeEpisodes(client, rows);
        }
        const inserted: InferenceRow[] = [];
        const conflicts: number[] = [];
        const inferences = haveOwnIds(batch.inferences)
          ? batch.inferences
          : lastOf(batch.inferences, (i) => `${i.log_id}/${i.request_id}`);
        for (const rows of chunks(inferences, rowsATime)) {
          const result = await storeInferences(client, rows, waiting);
          inserted.push(...result.inserted);
          conflicts.push(...result.conflicts);
        }
        for (const rows of chunks(lastOf(batch.incidents, (i) => i.incident_id))) await storeIncidents(client, rows);
        for (const rows of chunks(batch.held)) await markHeld(client, rows);
        for (const rows of chunks(lastOf(batch.failures, (f) => f.failure_id))) {
          await storeQualityFailures(client, rows);
        }
        await markKeysUsed(client, batch);
        await addUsage(client, inserted);
        return {
          inserted: inserted.length,
          repeated: inferences.length - inserted.length - conflicts.length,
          conflicts,
          erased,
        };
      });
    },
  };
}

/** ON CONFLICT DO UPDATE refuses to touch a row twice in one statement: the last record of a key stands for all. */
function lastOf<T>(rows: readonly T[], key: (row: T) => string): T[] {
  return [...new Map(rows.map((row) => [key(row), row])).values()];
}

const haveOwnIds = (rows: readonly InferenceRow[]): boolean =>
  new Set(rows.map(({ log_id }) => log_id)).size === rows.length;

function* chunks<T>(rows: readonly T[], size = JSON_ROWS): Generator<readonly T[]> {
  for (let i = 0; i < rows.length; i += size) yield rows.slice(i, i + size);
}

/** A resent older record must not reopen what a newer one closed: the higher epoch wins, and what is closed stays closed. */
async function storeSessions(client: PoolClient, rows: readonly SessionRow[]): Promise<void> {
  await client.query(
    `INSERT INTO vlaapi.sessions AS s (session_id, customer_id, key_id, robot_id, robot_type, model_name, model_version,
       control_hz, pacing, limits, environment, client, epoch, opened_at, closed_at, close_reason, counters)
     SELECT * FROM jsonb_to_recordset($1::jsonb) AS r(session_id uuid, customer_id uuid, key_id uuid, robot_id text,
       robot_type text, model text, model_version text, control_hz float8, pacing text, limits jsonb, environment jsonb,
       client jsonb, epoch int, opened_at timestamptz, closed_at timestamptz, reason text, counters jsonb)
     ON CONFLICT (session_id) DO UPDATE SET
       epoch = greatest(s.epoch, excluded.epoch),
       opened_at = least(s.opened_at, excluded.opened_at),
       closed_at = coalesce(excluded.closed_at, s.closed_at),
       close_reason = coalesce(excluded.close_reason, s.close_reason),
       counters = coalesce(excluded.counters, s.counters)`,
    [storableJson(rows)],
  );
}

async function storeEpisodes(client: PoolClient, rows: readonly EpisodeRow[]): Promise<void> {
  const withHash = rows.map((row) => ({
    ...row,
    instruction_hash: instructionHash(row.instruction),
    instruction_category: instructionCategory(row.instruction),
  }));
  await client.query(
    `INSERT INTO vlaapi.episodes AS e (session_id, episode, customer_id, robot_id, instruction, instruction_hash,
       instruction_category, started_at, ended_at, ticks, success, first_log_id, last_log_id)
     SELECT * FROM jsonb_to_recordset($1::jsonb) AS r(session_id uuid, episode int, customer_id uuid, robot_id text,
       instruction text, instruction_hash text, instruction_category text, started_at timestamptz, ended_at timestamptz,
       ticks bigint, success boolean, first_log_id bigint, last_log_id bigint)
     ON CONFLICT (session_id, episode) DO UPDATE SET
       instruction = excluded.instruction,
       instruction_hash = excluded.instruction_hash,
       instruction_category = excluded.instruction_category,
       started_at = least(e.started_at, excluded.started_at),
       ended_at = coalesce(excluded.ended_at, e.ended_at),
       ticks = greatest(e.ticks, excluded.ticks),
       success = coalesce(excluded.success, e.success),
       first_log_id = least(e.first_log_id, excluded.first_log_id),
       last_log_id = greatest(e.last_log_id, excluded.last_log_id)`,
    [storableJson(withHash)],
  );
}

/** A resent older record must not reopen what is closed, nor undo what is worse: what is closed stays as it is. */
async function storeIncidents(client: PoolClient, rows: readonly IncidentRow[]): Promise<void> {
  await client.query(
    `INSERT INTO vlaapi.safety_incidents AS i (incident_id, customer_id, key_id, session_id, episode, robot_id, robot_type,
       model_name, model_version, environment_type, opened_at, last_violation_at, closed_at, severity, violation_type,
       violation_types, ticks, refusals, worst_tick, worst_excess, safety_score, action_taken, proposed_action, sent_action,
       instruction, log_id, log_timestamp)
     SELECT * FROM jsonb_to_recordset($1::jsonb) AS r(incident_id uuid, customer_id uuid, key_id uuid, session_id uuid,
       episode int, robot_id text, robot_type text, model_name text, model_version text, environment_type text,
       opened_at timestamptz, last_violation_at timestamptz, closed_at timestamptz, severity text, violation_type text,
       violation_types text[], ticks bigint, refusals bigint, worst_tick bigint, worst_excess float8, safety_score float8,
       action_taken text, proposed_action float8[], sent_action float8[], instruction text, log_id bigint,
       log_timestamp timestamptz)
     ON CONFLICT (incident_id) DO UPDATE SET
       last_violation_at = excluded.last_violation_at,
       closed_at = excluded.closed_at,
       severity = excluded.severity,
       violation_type = excluded.violation_type,
       violation_types = excluded.violation_types,
       ticks = excluded.ticks,
       refusals = excluded.refusals,
       worst_tick = excluded.worst_tick,
       worst_excess = excluded.worst_excess,
       safety_score = excluded.safety_score,
       action_taken = excluded.action_taken,
       proposed_action = excluded.proposed_action,
       sent_action = excluded.sent_action,
       instruction = excluded.instruction,
       log_id = excluded.log_id,
       log_timestamp = excluded.log_timestamp
     WHERE i.closed_at IS NULL AND i.customer_id = excluded.customer_id
       AND i.ticks + i.refusals <= excluded.ticks + excluded.refusals`,
    [storableJson(rows)],
  );
}

/** Whether a step was kept back shows only in the ticks, which come after the inference: its row may be an hour old. */
async function markHeld(client: PoolClient, rows: readonly HeldInference[]): Promise<void> {
  await client.query(
    `UPDATE vlaapi.inference_logs l SET status = 'safety_rejected'
     FROM jsonb_to_recordset($1::jsonb) AS r(log_id bigint, "timestamp" timestamptz, customer_id uuid)
     WHERE l.log_id = r.log_id AND l."timestamp" = r."timestamp" AND l.customer_id = r.customer_id AND l.status = 'ok'`,
    [storableJson(rows)],
  );
}

/**
 * When each key was last used, to the minute: what a person needs to know before revoking one, and no write a batch. A key
 * that another shipper is marking is marked well enough.
 */
async function markKeysUsed(client: PoolClient, { sessions, inferences }: ShippedBatch): Promise<void> {
  const used = new Map<string, string>();
  const use = (keyId: string, at: string) => {
    const before = used.get(keyId);
    if (before === undefined || before < at) used.set(keyId, at);
  };
  for (const row of sessions) use(row.key_id, row.opened_at);
  for (const row of inferences) use(row.key_id, row.timestamp);
  if (used.size === 0) return;
  await client.query(
    `UPDATE vlaapi.api_keys k SET last_used_at = due.used_at
     FROM (SELECT key_id, used_at
           FROM unnest($1::uuid[], $2::timestamptz[]) AS u(key_id, used_at) JOIN vlaapi.api_keys USING (key_id)
           WHERE last_used_at IS NULL OR last_used_at < used_at - interval '1 minute'
           FOR UPDATE OF api_keys SKIP LOCKED) AS due
     WHERE k.key_id = due.key_id`,
    [[...used.keys()], [...used.values()]],
  );
}
