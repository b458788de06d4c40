import { and, count, desc, eq, gte, isNotNull, isNull, lt, type SQL } from 'drizzle-orm';
import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres';
import type { Pool } from 'pg';
import { episodes, inferenceLogs, sessions } from './schema.js';
import { withCustomer } from './transaction.js';

/** Rows from `offset` on, of `[from, until)`. */
export interface HistoryPage {
  readonly limit: number;
  readonly offset: number;
  readonly from?: Date | undefined;
  readonly until?: Date | undefined;
}

export interface SessionFilter extends HistoryPage {
  readonly robotId?: string | undefined;
  readonly active?: boolean | undefined;
}

export interface LogFilter extends HistoryPage {
  readonly sessionId?: string | undefined;
  readonly robotId?: string | undefined;
}

/** A customer with a long history waits for its own answer only, and not for ever. */
const LONGEST_READ = "SELECT set_config('statement_timeout', '5s', true)";
/** Of one session; its robot may have begun one every few seconds for a day. */
const MOST_EPISODES = 500;

export type History = ReturnType<typeof history>;

/** What one customer's robots did. */
export function history(pool: Pool) {
  const read = <T>(customerId: string, work: (db: NodePgDatabase) => Promise<T>): Promise<T> =>
    withCustomer(pool, customerId, async (client) => {
      await client.query(LONGEST_READ);
      return work(drizzle(client));
    });

  return {
    /** Sessions by when they were opened, newest first, and how many there are. */
    sessions(customerId: string, filter: SessionFilter) {
      const { active, from, limit, offset, robotId, until } = filter;
      const where = and(
        eq(sessions.customer_id, customerId),
        given(robotId, (id) => eq(sessions.robot_id, id)),
        given(active, (open) => (open ? isNull(sessions.closed_at) : isNotNull(sessions.closed_at))),
        given(from, (time) => gte(sessions.opened_at, time)),
        given(until, (time) => lt(sessions.opened_at, time)),
      );
      return read(customerId, async (db) => {
        const rows = await db
          .select()
          .from(sessions)
          .where(where)
          .orderBy(desc(sessions.opened_at), desc(sessions.session_id))
          .limit(limit)
          .offset(offset);
        const [total] = await db.select({ n: count() }).from(sessions).where(where);
        return { rows, total: total?.n ?? 0 };
      });
    },

    /** One session with its newest episodes, oldest first; null where it is not this customer's. */
    session(customerId: string, sessionId: string) {
      return read(customerId, async (db) => {
        const mine = and(eq(sessions.customer_id, customerId), eq(sessions.session_id, sessionId));
        const [session] = await db.select().from(sessions).where(mine);
        if (session === undefined) return null;
        const parts = and(eq(episodes.customer_id, customerId), eq(episodes.session_id, sessionId));
        const newest = await db
          .select()
          .from(episodes)
          .where(parts)
          .orderBy(desc(episodes.episode))
          .limit(MOST_EPISODES);
        const [total] = await db.select({ n: count() }).from(episodes).where(parts);
        return { session, episodes: newest.reverse(), episodeCount: total?.n ?? 0 };
      });
    },

    /** Inferences by time, newest first, without what is large, and how many there are. */
    logs(customerId: string, filter: LogFilter) {
      const { from, limit, offset, robotId, sessionId, until } = filter;
      const where = and(
        eq(inferenceLogs.customer_id, customerId),
        given(sessionId, (id) => eq(inferenceLogs.session_id, id)),
        given(robotId, (id) => eq(inferenceLogs.robot_id, id)),
        given(from, (time) => gte(inferenceLogs.timestamp, time)),
        given(until, (time) => lt(inferenceLogs.timestamp, time)),
      );
      return read(customerId, async (db) => {
        const rows = await db
          .select(LOG_SUMMARY)
          .from(inferenceLogs)
          .where(where)
          .orderBy(desc(inferenceLogs.timestamp), desc(inferenceLogs.log_id))
          .limit(limit)
          .offset(offset);
        const [total] = await db.select({ n: count() }).from(inferenceLogs).where(where);
        return { rows, total: total?.n ?? 0 };
      });
    },

    /** One inference, all of it; null where it is not this customer's. The time names the partition: the log_id holds it. */
    log(customerId: string, logId: number, timestamp: Date) {
      return read(customerId, async (db) => {
        const [row] = await db
          .select()
          .from(inferenceLogs)
          .where(
            and(
              eq(inferenceLogs.timestamp, timestamp),
              eq(inferenceLogs.log_id, logId),
              eq(inferenceLogs.customer_id, customerId),
            ),
          );
        return row ?? null;
      });
    },
  };
}

const LOG_SUMMARY = {
  log_id: inferenceLogs.log_id,
  timestamp: inferenceLogs.timestamp,
  request_id: inferenceLogs.request_id,
  session_id: inferenceLogs.session_id,
  episode: inferenceLogs.episode,
  robot_id: inferenceLogs.robot_id,
  robot_type: inferenceLogs.robot_type,
  model_name: inferenceLogs.model_name,
  instruction: inferenceLogs.instruction,
  instruction_category: inferenceLogs.instruction_category,
  status: inferenceLogs.status,
  safety_score: inferenceLogs.safety_score,
  safety_flags: inferenceLogs.safety_flags,
  inference_latency_ms: inferenceLogs.inference_latency_ms,
};

function given<T>(value: T | undefined, condition: (value: T) => SQL): SQL | undefined {
  return value === undefined ? undefined : condition(value);
}
