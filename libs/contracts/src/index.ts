export * from './feedback.js';
export { type ActionValueRule, checkActionValues, NORMALISED_BOUND } from './gates/action-values.js';
export { GATES, instructionRule, type RequestClaim } from './gates/quality-gates.js';
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
export { type OpenApiDocument, type Operation, openApiDocument } from './openapi/document.js';
export type { JsonSchema } from './openapi/json-schema.js';
export { documentPage } from './openapi/page.js';
export { refusalsOf } from './openapi/refusals.js';
export * from './routes/index.js';
export {
  type CustomerLimits,
  INFERENCE_MICRO_DOLLARS,
  isCharged,
  LimitOverrides,
  limitsOf,
  TIER_LIMITS,
  TIERS,
  type Tier,
  tierOf,
} from './tiers.js';
export { ENVIRONMENT_TYPES, type EnvironmentType } from './validators/environment.js';
export { validatorsMarkdown } from './validators/markdown.js';
export { checkRecordedInference, type RecordedInference } from './validators/recorded-inference.js';
export {
  checkBlend,
  checkEmbodiment,
  checkEnvironmentType,
  checkExecute,
  checkRobotType,
  checkStaleAfter,
  MIN_STALE_PERIODS,
  type RuleFault,
} from './validators/session-checks.js';
export { findValidator, MALFORMED, VALIDATORS, validatorOf } from './validators/table.js';
export { PLACES, type Place, QUALITY_GATES, type QualityGate, type Validator } from './validators/validator.js';
