import { WIRE_LIMITS } from '@sinew/protocol';
import { LEAST_WORDS, MOST_CHARS } from '../instruction-check.js';
import { ENVIRONMENT_TYPES } from './environment.js';
import { validators } from './validator.js';

const { maxKeepOut } = WIRE_LIMITS;

/** What a session or a request says about itself. */
export const SESSION_RULES = validators([
  ['robot_type', 'unknown', 'not the placeholder UNKNOWN', ['open', 'rest'], 'contracts: checkRobotType', 'robot_type'],
  [
    'robot_type',
    'not_in_registry',
    'an id or alias of the registry',
    ['open', 'rest'],
    'contracts: checkRobotType',
    'robot_type',
  ],
  [
    'robot_type',
    'wrong_embodiment',
    'one that the policy was trained for',
    ['open', 'rest'],
    'contracts: checkEmbodiment',
  ],
  ['robot_id', 'malformed', '1 to 64 of A-Z a-z 0-9 . _ -', ['open'], 'protocol: clientSchemas.open'],
  [
    'instruction',
    'too_few_words',
    `at least ${LEAST_WORDS} words`,
    ['open', 'stream', 'rest'],
    'contracts: checkInstruction',
    'instruction',
  ],
  [
    'instruction',
    'too_long',
    `at most ${MOST_CHARS} characters`,
    ['open', 'stream', 'rest'],
    'contracts: checkInstruction',
    'instruction',
  ],
  [
    'instruction',
    'unprintable',
    'no control characters, halves of surrogate pairs, marks that turn text around',
    ['open', 'stream', 'rest'],
    'contracts: checkInstruction',
    'instruction',
  ],
  [
    'instruction',
    'unsafe',
    'asks for nothing that the safety rules forbid',
    ['open', 'stream', 'rest'],
    'contracts: checkInstruction',
  ],
  [
    'environment_type',
    'unknown',
    `one of ${ENVIRONMENT_TYPES.join(', ')}`,
    ['open'],
    'contracts: checkEnvironmentType',
  ],
  [
    'workspace',
    'misordered',
    'min below max on each axis, all finite',
    ['open', 'rest'],
    'protocol: clientSchemas.open; contracts: InferenceRequest',
  ],
  [
    'workspace',
    'out_of_reach',
    'no wider than twice the reach on any axis: where it stands, only the session knows',
    ['open', 'rest'],
    'control: resolveLimits',
  ],
  [
    'keep_out',
    'malformed',
    `at most ${maxKeepOut} boxes, balls and half-spaces, each whole`,
    ['open'],
    'protocol: clientSchemas.open',
  ],
  ['keep_out', 'not_kept', 'leaves the tool a place, and can be held', ['open'], 'control: resolveLimits'],
  ['limits', 'loosened', 'tightens what the robot is held to anyway', ['open'], 'control: resolveLimits'],
  ['control_hz', 'out_of_range', '1 to 100 Hz', ['open'], 'protocol: clientSchemas.open'],
  ['pacing', 'unknown', 'paced, chunked or lockstep', ['open'], 'protocol: clientSchemas.open'],
  ['smoothing', 'unknown', 'a smoothing of the protocol', ['open'], 'protocol: clientSchemas.open'],
  ['blend', 'unknown', 'a blend of the protocol', ['open'], 'protocol: clientSchemas.open'],
  ['blend', 'not_served', '`rtc` only where the policy takes prefix inputs', ['open'], 'contracts: checkBlend'],
  ['execute', 'out_of_range', '1 to the chunk size', ['open'], 'contracts: checkExecute'],
  ['stale_after_ms', 'out_of_range', '2.5 control periods to 2,000 ms', ['open'], 'contracts: checkStaleAfter'],
  ['request_id', 'malformed', 'a UUID', ['rest'], 'contracts: InferenceRequest'],
  [
    'request_id',
    'duplicate',
    'not seen within 5 minutes; within 60 s its answer is given again',
    ['rest'],
    'cache: dedup.claim',
    'duplicate',
  ],
]);
