import { ACTION_SPACES, BLENDS, SMOOTHINGS } from '@sinew/protocol';
import { RobotRecord } from '@sinew/robots';
import { z } from 'zod';
import { route } from './route-contract.js';

const Health = z.object({ status: z.enum(['healthy', 'loading', 'draining']) });

export const healthRoute = route({
  operation: 'getHealth',
  method: 'get',
  path: '/health',
  tag: 'Information',
  summary: 'Whether the gateway takes sessions',
  access: { kind: 'open' },
  answers: {
    200: { description: 'It does.', schema: Health },
    503: { description: 'It loads its policies, or is stopping.', schema: Health },
  },
  errors: [],
});

const Model = z.object({
  id: z.string(),
  version: z.string(),
  status: z.enum(['loading', 'ready', 'failed']),
  license: z.string(),
  action_space: z.enum(ACTION_SPACES),
  action_dim: z.int().positive(),
  chunk_size: z.int().positive(),
  inputs: z.object({
    cameras: z.array(z.object({ name: z.string(), width: z.int(), height: z.int() })),
    state: z.object({ dim: z.int(), names: z.array(z.string()) }),
    text: z.object({ max_words: z.int() }),
  }),
  action: z.looseObject({ frame: z.enum(['base', 'tool']), rotation: z.enum(['euler_xyz', 'rotvec']) }),
  control_hz: z.number().positive(),
  execute: z.int().positive(),
  blend: z.enum(BLENDS),
  smoothing: z.enum(SMOOTHINGS).optional(),
  embodiments: z.array(z.string()),
});

export const listModelsRoute = route({
  operation: 'listModels',
  method: 'get',
  path: '/v1/models',
  tag: 'Information',
  summary: 'The policies that this gateway serves; the first one is the default',
  access: { kind: 'open' },
  answers: { 200: { description: 'The policies.', schema: z.object({ models: z.array(Model) }) } },
  errors: [],
});

const RobotSummary = z.object({
  id: z.string(),
  aliases: z.array(z.string()),
  vendor: z.string(),
  model: z.string(),
  dof: z.int().positive(),
  reach_m: z.number().nullable(),
  payload_kg: z.number().nullable(),
  has_geometry: z.boolean(),
});

export const listRobotsRoute = route({
  operation: 'listRobots',
  method: 'get',
  path: '/v1/robots',
  tag: 'Information',
  summary: 'The registry of robot types',
  access: { kind: 'open' },
  answers: { 200: { description: 'The robot types.', schema: z.object({ robots: z.array(RobotSummary) }) } },
  errors: [],
});

const Limit = z.looseObject({ value: z.number().nullable(), origin: z.string() });
const LimitsOfMode = z.object({
  cartesian: z.record(z.string(), Limit).nullable(),
  joints: z.array(z.record(z.string(), z.unknown())).nullable(),
});
const SpaceProfile = z.object({
  refused: z.string().nullable(),
  needs_workspace: z.boolean(),
  checks: z.record(z.string(), z.object({ applies: z.boolean(), why: z.string() })),
});

export const getRobotRoute = route({
  operation: 'getRobot',
  method: 'get',
  path: '/v1/robots/{id}',
  tag: 'Information',
  summary: 'One robot type: its record, the limits in force in each safety mode, and which checks apply',
  access: { kind: 'open' },
  params: z.object({ id: z.string().min(1).max(64) }),
  answers: {
    200: {
      description: 'The robot type, by its id or one of its other names.',
      schema: z.object({
        ...RobotRecord.unwrap().shape,
        limits: z.object({ reduced: LimitsOfMode, full: LimitsOfMode }),
        action_spaces: z.record(z.enum(ACTION_SPACES), SpaceProfile),
      }),
    },
  },
  errors: ['not_found'],
});

export const openApiRoute = route({
  operation: 'getOpenApi',
  method: 'get',
  path: '/openapi.json',
  tag: 'Information',
  summary: 'This document',
  access: { kind: 'open' },
  answers: {
    200: {
      description: 'An OpenAPI 3.1 document of every endpoint.',
      schema: z.looseObject({ openapi: z.literal('3.1.0'), paths: z.record(z.string(), z.unknown()) }),
    },
  },
  errors: [],
});

export const docsRoute = route({
  operation: 'getDocs',
  method: 'get',
  path: '/docs',
  tag: 'Information',
  summary: 'This document as a page to read',
  access: { kind: 'open' },
  answers: {
    200: { description: 'One page, without scripts.', schema: null, contentType: 'text/html; charset=utf-8' },
  },
  errors: [],
});
