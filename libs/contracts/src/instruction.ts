/**
 * The form of an instruction that statistics and de-duplication compare: compatibility-composed, lower case, no
 * punctuation or symbols, single spaces. "Pick up the RED cube!" and "pick up the red  cube" are one instruction.
 */
export function normaliseInstruction(text: string): string {
  return text
    .normalize('NFKC')
    .toLowerCase()
    .replace(/['’]/gu, '')
    .replace(/[\p{P}\p{S}\p{C}\p{Z}\s]+/gu, ' ')
    .trim();
}

/** What the instruction asks for, by its verbs. `other` is an honest answer, not a failure. */
export const INSTRUCTION_CATEGORIES = [
  'pick_and_place',
  'stack',
  'sort',
  'pick',
  'place',
  'push',
  'pull',
  'open',
  'close',
  'pour',
  'insert',
  'rotate',
  'clean',
  'handover',
  'reach',
  'move',
  'other',
] as const;

export type InstructionCategory = (typeof INSTRUCTION_CATEGORIES)[number];

const PICK = /\b(pick|picks|grab|grasp|lift|take|collect|fetch|get)\b/;
const PLACE = /\b(put|place|drop|set|lay|bring|deposit|transfer|drops|into|onto)\b/;

/** Order matters: "pick up the lid and place it" is pick_and_place before it is anything about a lid. */
const RULES: readonly (readonly [InstructionCategory, (text: string) => boolean])[] = [
  ['stack', (t) => /\b(stack|pile)\b/.test(t)],
  ['sort', (t) => /\b(sort|arrange|organi[sz]e|group)\b/.test(t)],
  ['pour', (t) => /\b(pour|fill)\b/.test(t)],
  ['insert', (t) => /\b(insert|plug|screw|attach|assemble)\b/.test(t)],
  ['handover', (t) => /\b(hand (over|me|him|her|it|the)|give|pass)\b/.test(t)],
  ['clean', (t) => /\b(wipe|clean|sweep|wash)\b/.test(t)],
  ['rotate', (t) => /\b(rotate|turn|twist|flip)\b/.test(t)],
  ['push', (t) => /\b(push|slide|shove|nudge|press)\b/.test(t)],
  ['pull', (t) => /\b(pull|drag|draw)\b/.test(t)],
  ['pick_and_place', (t) => PICK.test(t) && PLACE.test(t)],
  ['open', (t) => /\bopen\b/.test(t)],
  ['close', (t) => /\b(close|shut)\b/.test(t)],
  ['pick', (t) => PICK.test(t)],
  ['place', (t) => PLACE.test(t)],
  ['reach', (t) => /\b(reach|touch|point|go to|goto)\b/.test(t)],
  ['move', (t) => /\bmove\b/.test(t)],
];

/** Deterministic, so that a row classified twice agrees with itself. Takes the raw or the normalised text. */
export function instructionCategory(text: string): InstructionCategory {
  const normal = normaliseInstruction(text);
  return RULES.find(([, matches]) => matches(normal))?.[0] ?? 'other';
}
