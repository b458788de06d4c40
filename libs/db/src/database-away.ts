import { DrizzleQueryError } from 'drizzle-orm/errors';
import pg from 'pg';

/**
 * SQLSTATE classes by which a server says that it cannot now, not that it was asked wrongly: connection exceptions, rollbacks
 * for others' sake, insufficient resources, operator intervention (shutdown, cancelled), system errors; 25P03: it cut us off.
 */
const CANNOT_NOW = /^(08|40|53|57|58)|^25P0[34]$|^55P03$|^XX/;
/** Of the operating system, as Node names them. */
const SYSTEM = /^E[A-Z_]+$/;
/** What the driver itself says of connections; such errors carry no code. */
const DRIVER =
  /^(Connection terminated|timeout exceeded when trying to connect|timeout expired|Query read timeout|Client (was closed|has encountered)|Cannot use a pool)/;

/**
 * Whether this failure is the database's being away, restarting or overloaded, so that the same request may succeed later.
 * What was asked may have been done all the same: a connection can break after the commit.
 */
export function isDatabaseAway(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  // Its own message only repeats what was asked.
  if (error instanceof DrizzleQueryError) return isDatabaseAway(error.cause);
  if (error instanceof AggregateError) return error.errors.length > 0 && error.errors.every(isDatabaseAway);
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  if (error instanceof pg.DatabaseError) return CANNOT_NOW.test(code);
  return SYSTEM.test(code) || DRIVER.test(error.message);
}
