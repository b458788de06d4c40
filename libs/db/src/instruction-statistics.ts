import type { Pool, PoolClient } from 'pg';
import { inTransaction } from './transaction.js';

export const HOUR_MS = 3_600_000;

export interface InstructionStatistics {
  /** Instructions whose hour was recomputed. */
  readonly instructions: number;
}

export type Instructions = ReturnType<typeof instructions>;

export function instructions(pool: Pool) {
  return {
    /**
     * Recomputes one hour (UTC) of every instruction used or judged in it, then those instructions' totals from all their
     * hours. Run twice, or again after more rows came, it ends where one run on all the rows would have ended.
     */
    recomputeHour(hour: Date): Promise<InstructionStatistics> {
      const from = new Date(Math.floor(hour.getTime() / HOUR_MS) * HOUR_MS);
      const to = new Date(from.getTime() + HOUR_MS);
      return inTransaction(pool, async (client) => {
        await lockInstructions(client);
        const { rows } = await client.query<{ instruction_hash: string }>(HOURS, [from, to]);
        const { rows: outdone } = await client.query<{ instruction_hash: string }>(OUTDONE, [from, to]);
        await recomputeTotals(client, [...new Set([...rows, ...outdone].map((row) => row.instruction_hash))]);
        return { instructions: rows.length };
      });
    },
  };
}

/** Totals read every hour: two transactions at once, each blind to the other's uncommitted rows, would lose some. */
export async function lockInstructions(client: PoolClient): Promise<void> {
  await client.query("SELECT pg_advisory_xact_lock(hashtext('vlaapi.instruction_analytics'))");
}

/** For who holds the lock. Instructions that were used in no computed hour have no totals yet. */
export async function recomputeTotals(client: PoolClient, hashes: readonly string[]): Promise<void> {
  if (hashes.length > 0) await client.query(TOTALS, [hashes]);
}

const HOURS = `
WITH used AS (
  SELECT instruction_hash, min(instruction_category) AS category, count(*) AS uses,
    coalesce(sum(inference_latency_ms) FILTER (WHERE status = 'ok'), 0) AS latency_sum,
    count(inference_latency_ms) FILTER (WHERE status = 'ok') AS latency_count,
    coalesce(sum(safety_score), 0) AS safety_sum, count(safety_score) AS safety_count,
    array_agg(DISTINCT robot_type ORDER BY robot_type) AS robot_types,
    min("timestamp") AS first_seen, max("timestamp") AS last_seen
  FROM vlaapi.inference_logs WHERE "timestamp" >= $1 AND "timestamp" < $2
  GROUP BY instruction_hash
), judged AS (
  SELECT instruction_hash, min(instruction_category) AS category, count(*) AS episodes,
    count(*) FILTER (WHERE success) AS succeeded, min(ended_at) AS first_seen, max(ended_at) AS last_seen
  FROM vlaapi.episodes WHERE ended_at >= $1 AND ended_at < $2 AND success IS NOT NULL
  GROUP BY instruction_hash
)
INSERT INTO vlaapi.instruction_hours (instruction_hash, hour, instruction_category, uses, latency_sum_ms, latency_count,
  safety_sum, safety_count, episodes_judged, episodes_succeeded, robot_types, first_seen, last_seen)
SELECT instruction_hash, $1, coalesce(used.category, judged.category), coalesce(uses, 0), coalesce(latency_sum, 0),
  coalesce(latency_count, 0), coalesce(safety_sum, 0), coalesce(safety_count, 0), coalesce(episodes, 0),
  coalesce(succeeded, 0), coalesce(robot_types, '{}'), least(used.first_seen, judged.first_seen),
  greatest(used.last_seen, judged.last_seen)
FROM used FULL JOIN judged USING (instruction_hash)
ON CONFLICT (instruction_hash, hour) DO UPDATE SET
  instruction_category = excluded.instruction_category, uses = excluded.uses,
  latency_sum_ms = excluded.latency_sum_ms, latency_count = excluded.latency_count,
  safety_sum = excluded.safety_sum, safety_count = excluded.safety_count,
  episodes_judged = excluded.episodes_judged, episodes_succeeded = excluded.episodes_succeeded,
  robot_types = excluded.robot_types, first_seen = excluded.first_seen, last_seen = excluded.last_seen
RETURNING instruction_hash`;

// What an episode says of itself outdoes what people said of it: counting both would count it twice.
const OUTDONE = `
UPDATE vlaapi.feedback f SET episode_judged = true
FROM vlaapi.episodes e
WHERE e.ended_at >= $1 AND e.ended_at < $2 AND e.success IS NOT NULL
  AND f.feedback_type = 'success_rating' AND f.session_id = e.session_id AND f.episode = e.episode
  AND f.episode_judged IS NOT TRUE
RETURNING f.instruction_hash`;

// Ratings: the last one of an episode (of an inference by itself, over REST) stands for it; 4 and 5 are a success, 1 and 2
// none, 3 says nothing.
const TOTALS = `
WITH rated AS (
  SELECT instruction_hash, count(*) FILTER (WHERE rating <> 3) AS judged, count(*) FILTER (WHERE rating > 3) AS succeeded
  FROM (SELECT DISTINCT ON (instruction_hash, session_id, episode, alone) instruction_hash, rating
        FROM (SELECT *, CASE WHEN session_id IS NULL THEN log_id END AS alone FROM vlaapi.feedback
              WHERE feedback_type = 'success_rating' AND instruction_hash = ANY ($1) AND episode_judged IS NOT TRUE) AS f
        ORDER BY instruction_hash, session_id, episode, alone, "timestamp" DESC, feedback_id DESC) AS last
  GROUP BY instruction_hash
)
INSERT INTO vlaapi.instruction_analytics (instruction_hash, instruction_category, total_uses, success_rate,
  avg_safety_score, common_robots, avg_latency_ms, first_seen, last_seen)
SELECT h.instruction_hash, min(h.instruction_category), sum(uses)::bigint,
  (sum(episodes_succeeded) + coalesce(min(succeeded), 0))::float8 / nullif(sum(episodes_judged) + coalesce(min(judged), 0), 0),
  sum(safety_sum) / nullif(sum(safety_count), 0),
  coalesce((SELECT array_agg(DISTINCT robot ORDER BY robot)
            FROM vlaapi.instruction_hours r, unnest(r.robot_types) AS robot
            WHERE r.instruction_hash = h.instruction_hash), '{}'),
  sum(latency_sum_ms) / nullif(sum(latency_count), 0), min(first_seen), max(last_seen)
FROM vlaapi.instruction_hours h LEFT JOIN rated USING (instruction_hash) WHERE h.instruction_hash = ANY ($1)
GROUP BY h.instruction_hash
ON CONFLICT (instruction_hash) DO UPDATE SET
  instruction_category = excluded.instruction_category, total_uses = excluded.total_uses,
  success_rate = excluded.success_rate, avg_safety_score = excluded.avg_safety_score,
  common_robots = excluded.common_robots, avg_latency_ms = excluded.avg_latency_ms,
  first_seen = excluded.first_seen, last_seen = excluded.last_seen`;
