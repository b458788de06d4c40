import { and, desc, eq } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/node-postgres';
import type { Pool } from 'pg';
import { safetyIncidents } from './schema.js';
import { withCustomer } from './transaction.js';

export type SafetyIncident = typeof safetyIncidents.$inferSelect;

export type Incidents = ReturnType<typeof incidents>;

/** One row an incident. */
export function incidents(pool: Pool) {
  return {
    /** The newest `count` incidents of all customers, newest first. For operators. */
    last(count: number): Promise<SafetyIncident[]> {
      return drizzle(pool)
        .select()
        .from(safetyIncidents)
        .orderBy(...NEWEST_FIRST)
        .limit(count);
    },

    /** One customer's own, newest first. */
    ofCustomer(customerId: string, options: { count: number; robotId?: string }): Promise<SafetyIncident[]> {
      const { count, robotId } = options;
      return withCustomer(pool, customerId, (client) =>
        drizzle(client)
          .select()
          .from(safetyIncidents)
          .where(
            and(
              eq(safetyIncidents.customer_id, customerId),
              robotId === undefined ? undefined : eq(safetyIncidents.robot_id, robotId),
            ),
          )
          .orderBy(...NEWEST_FIRST)
          .limit(count),
      );
    },
  };
}

const NEWEST_FIRST = [desc(safetyIncidents.opened_at), desc(safetyIncidents.incident_id)];
