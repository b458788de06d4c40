export {
  INSTRUCTION_CATEGORIES,
  type InstructionCategory,
  instructionCategory,
  normaliseInstruction,
} from './instruction.js';
export { checkInstruction, type FormRule, type InstructionFault } from './instruction-check.js';
export {
  INSTRUCTION_RULES,
  INSTRUCTION_SEVERITIES,
  type InstructionRule,
  type InstructionSeverity,
} from './instruction-rules/table.js';
export * from './routes/index.js';
