import { COLORS, type Color, goalBowl, type Task, targetCube, type World } from './world.js';

/** {cube}, {bowl}: colours; {side}: left or right. */
const PHRASES: Readonly<Record<Task, readonly string[]>> = {
  pick: [
    'pick up the {cube} cube',
    'grab the {cube} block',
    'lift the {cube} cube',
    'pick the {cube} block up',
    'please pick up the {cube} cube',
    'take the {cube} cube and lift it up',
  ],
  put: [
    'put the {cube} cube in the {bowl} bowl',
    'place the {cube} block into the {bowl} bowl',
    'drop the {cube} cube in the {bowl} bowl',
    'move the {cube} block into the {bowl} bowl',
    'pick up the {cube} cube and put it in the {bowl} bowl',
    'please put the {cube} block inside the {bowl} bowl',
  ],
  move: [
    'move the {cube} cube to the {side}',
    'push the {cube} block to the {side}',
    'put the {cube} cube on the {side} side',
    'slide the {cube} block to the {side} side',
    'please move the {cube} cube {side}',
  ],
};

/** Never trained on: wordings that the policy has to understand from their words. */
const HELD_OUT: Readonly<Record<Task, readonly string[]>> = {
  pick: ['lift up the {cube} block', 'please grab the {cube} cube'],
  put: ['drop the {cube} block into the {bowl} bowl', 'take the {cube} cube and put it in the {bowl} bowl'],
  move: ['push the {cube} cube to the {side} side', 'please slide the {cube} block to the {side}'],
};

/** The sentence that tells the robot what to do. */
export function instructionOf(world: World, wording: 'trained' | 'held-out' = 'trained'): string {
  const phrases = (wording === 'trained' ? PHRASES : HELD_OUT)[world.goal.task];
  const phrase = phrases[world.goal.phrase % phrases.length] ?? '';
  return phrase
    .replace('{cube}', targetCube(world).color)
    .replace('{bowl}', goalBowl(world).color)
    .replace('{side}', world.goal.side < 0 ? 'left' : 'right');
}

/** Every colour word replaced by the next one: an instruction for another cube, to see whether the policy reads. */
export function recolour(instruction: string): string {
  return instruction.replace(/\w+/g, (word) => {
    const at = COLORS.indexOf(word as Color);
    return at < 0 ? word : (COLORS[(at + 1) % COLORS.length] ?? word);
  });
}

/** Every word that an instruction can hold, sorted: the policy's vocabulary after its two special entries. */
export function vocabulary(): string[] {
  const words = new Set<string>([...COLORS, 'left', 'right']);
  for (const phrase of Object.values(PHRASES).flat())
    for (const word of phrase.split(' ')) if (!word.startsWith('{')) words.add(word);
  return ['<pad>', '<unk>', ...[...words].sort()];
}
