import { flagNames } from '@sinew/control';

/** Few of the masks that could be ever are; a bound all the same. */
const MOST_MASKS = 1_024;
const known = new Map<number, string[]>();

/** The names in the governor's mask, for a tick that has no time to look at each bit. Do not change what it returns. */
export function namesOf(mask: number): string[] {
  let names = known.get(mask);
  if (names === undefined) {
    names = flagNames(mask);
    if (known.size < MOST_MASKS) known.set(mask, names);
  }
  return names;
}
