import { and, desc, eq } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/node-postgres';
import type { Pool } from 'pg';
import { episodes, sessions } from './schema.js';
import { withCustomer } from './transaction.js';

export type Session = typeof sessions.$inferSelect;
export type Episode = typeof episodes.$inferSelect;

export type RobotData = ReturnType<typeof robotData>;

/** Sessions and episodes as their customer sees them. */
export function robotData(pool: Pool) {
  return {
    lastSessions(customerId: string, count: number): Promise<Session[]> {
      return withCustomer(pool, customerId, (client) =>
        drizzle(client)
          .select()
          .from(sessions)
          .where(eq(sessions.customer_id, customerId))
          .orderBy(desc(sessions.opened_at))
          .limit(count),
      );
    },

    async findSession(customerId: string, sessionId: string): Promise<Session | null> {
      const [row] = await withCustomer(pool, customerId, (client) =>
        drizzle(client)
          .select()
          .from(sessions)
          .where(and(eq(sessions.customer_id, customerId), eq(sessions.session_id, sessionId))),
      );
      return row ?? null;
    },

    /** A session's episodes in order. */
    episodesOf(customerId: string, sessionId: string): Promise<Episode[]> {
      return withCustomer(pool, customerId, (client) =>
        drizzle(client)
          .select()
          .from(episodes)
          .where(and(eq(episodes.customer_id, customerId), eq(episodes.session_id, sessionId)))
          .orderBy(episodes.episode),
      );
    },
  };
}
