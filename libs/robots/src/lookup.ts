import { ROBOTS } from './registry.js';
import type { RobotRecord } from './schema.js';

const BY_ID: ReadonlyMap<string, RobotRecord> = new Map(ROBOTS.map((robot) => [robot.id, robot]));

/** The record of a robot type, or undefined. Ids are exact: a near miss must be refused, never guessed. */
export function findRobot(id: string): RobotRecord | undefined {
  return BY_ID.get(id);
}

/** The `n` known ids nearest to `id`, nearest first: what a refusal suggests. Ties in registry order. */
export function nearestRobots(id: string, n = 3): string[] {
  const wanted = id.slice(0, 64).toLowerCase();
  return ROBOTS.map((robot) => ({ id: robot.id, distance: editDistance(wanted, robot.id) }))
    .sort((a, b) => a.distance - b.distance)
    .slice(0, Math.max(0, n))
    .map((entry) => entry.id);
}

/** Levenshtein distance in UTF-16 units, two rows. */
export function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      row.push(Math.min(substitution, (previous[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1));
    }
    previous = row;
  }
  return previous[b.length] ?? 0;
}
