import { createHash } from 'node:crypto';
import { normaliseInstruction } from '@sinew/contracts';

/** SHA-256, hex, of the normalised instruction: one instruction is one hash, however it was typed. */
export const instructionHash = (instruction: string): string =>
  createHash('sha256').update(normaliseInstruction(instruction), 'utf8').digest('hex');
