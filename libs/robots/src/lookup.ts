import { ROBOTS } from './registry.js';
import type { RobotRecord } from './schema.js';

const BY_NAME: ReadonlyMap<string, RobotRecord> = new Map(
  ROBOTS.flatMap((robot) => [robot.id, ...robot.aliases].map((name) => [name, robot] as const)),
);

/**
 * The record of a robot type by its id or one of its aliases, or undefined. Names are exact, to the letter's case: a near miss
 * must be refused, never guessed.
 */
export function findRobot(name: string): RobotRecord | undefined {
  return BY_NAME.get(name);
}

/**
 * The ids of the `n` robots whose id or alias is nearest to `name`, nearest first: what a refusal suggests. A name that holds
 * the other (`ur5e_robot`, `widowx`) is nearer than one that only looks alike. Ties in registry order.
 */
export function nearestRobots(name: string, n = 3): string[] {
  const wanted = letters(name.slice(0, 64));
  return ROBOTS.map((robot) => ({
    id: robot.id,
    distance: Math.min(...[robot.id, ...robot.aliases].map((known) => nameDistance(wanted, letters(known)))),
  }))
    .sort((a, b) => a.distance - b.distance)
    .slice(0, Math.max(0, n))
    .map((entry) => entry.id);
}

/** Shorter pieces are found in too many names to mean anything. */
const SHORTEST_PIECE = 3;

/** Edits, but less than two where one holds the other: 1 + the share that is left over. */
function nameDistance(a: string, b: string): number {
  const edits = editDistance(a, b);
  const [short, long] = a.length < b.length ? [a, b] : [b, a];
  const held = short.length >= SHORTEST_PIECE && long.includes(short);
  return held ? Math.min(edits, 2 - short.length / long.length) : edits;
}

function letters(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]/g, '');
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
