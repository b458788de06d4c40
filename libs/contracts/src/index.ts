export {
  INSTRUCTION_CATEGORIES,
  type InstructionCategory,
  instructionCategory,
  normaliseInstruction,
} from './instruction.js';
