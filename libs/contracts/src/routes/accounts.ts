import { z } from 'zod';
import { LimitOverrides, TIERS } from '../tiers.js';
import { KEY_SCOPES, route } from './route-contract.js';
import { NOT_BLANK, page, paging, Timestamp, Uuid } from './shapes.js';

/** Thirty days. */
const LONGEST_GRACE_S = 2_592_000;

const Scope = z.enum(KEY_SCOPES);
/** PostgreSQL has no text with U+0000. */
/** Of a customer or a key. People read it in lists: what prints nothing, or moves their cursor, has no place in it. */
export const AccountName = z
  .string()
  .trim()
  .min(1, 'must not be empty')
  .max(200)
  .refine((text) => !/[\p{Cc}\p{Cs}]/u.test(text), 'holds control characters')
  .refine((text) => /[^\p{C}\p{Z}]/u.test(text), 'must not be empty')
  .meta({ pattern: NOT_BLANK });
const Scopes = z
  .array(Scope)
  .min(1)
  .max(50)
  .transform((scopes) => [...new Set(scopes)]);

export const KeyBody = z.object({
  key_id: z.guid(),
  customer_id: z.guid(),
  name: z.string(),
  /** The first characters, by which a person knows it again. */
  key_prefix: z.string(),
  scopes: z.array(Scope),
  created_at: Timestamp,
  /** Null: never. */
  expires_at: Timestamp.nullable(),
  revoked_at: Timestamp.nullable(),
  /** To the minute. */
  last_used_at: Timestamp.nullable(),
  /** The key that this one replaced. */
  rotated_from: z.guid().nullable(),
});
export type KeyBody = z.infer<typeof KeyBody>;

export const NewKeyBody = KeyBody.extend({
  key: z.string().meta({ description: 'The key itself. Shown this once; only its hash is kept.' }),
});
export type NewKeyBody = z.infer<typeof NewKeyBody>;

export const KeyWishBody = z.strictObject({
  name: AccountName.meta({ description: 'For whom or what it is.' }),
  /** Not given: the customer of the key that asks. */
  customer_id: Uuid.optional(),
  /** Not given: what a robot needs, as far as the key that asks has it. */
  scopes: Scopes.optional(),
  /** Not given, or null: never. */
  expires_at: Timestamp.nullish(),
});
export type KeyWishBody = z.infer<typeof KeyWishBody>;

export const RotationBody = z.strictObject({
  /** How long the old key still works; it has expired then. */
  grace_seconds: z.int().min(0).max(LONGEST_GRACE_S),
  /** Of the new key; null: never. Not given: it lives as long as the old one was made to. */
  expires_at: Timestamp.nullish(),
});

export const CustomerBody = z.object({
  customer_id: z.guid(),
  name: z.string(),
  tier: z.enum(TIERS),
  is_active: z.boolean(),
  /** Administers every customer. */
  is_operator: z.boolean(),
  /** Limits that differ from those of the tier; null: none does. */
  limits: LimitOverrides.nullable(),
  /** Its sessions are recorded where they are served. */
  record_sessions: z.boolean(),
  created_at: Timestamp,
});
export type CustomerBody = z.infer<typeof CustomerBody>;

export const NewCustomerBody = z.strictObject({
  name: AccountName,
  tier: z.enum(TIERS).optional(),
  is_operator: z.boolean().optional(),
  limits: LimitOverrides.nullish(),
  /** From its next session on. */
  record_sessions: z.boolean().optional(),
});

export const CustomerChangeBody = z.strictObject({
  name: AccountName.optional(),
  tier: z.enum(TIERS).optional(),
  /** False: its keys work no longer, and its sessions end. */
  is_active: z.boolean().optional(),
  is_operator: z.boolean().optional(),
  limits: LimitOverrides.nullish(),
  /** From its next session on. */
  record_sessions: z.boolean().optional(),
});
export type CustomerChangeBody = z.infer<typeof CustomerChangeBody>;

const ADMIN = {
  tag: 'Accounts',
  access: { kind: 'key', scope: 'admin' },
} as const;

const WHOSE =
  'A key with the scope `admin` administers its own customer; of an operator, every customer. What is somebody else’s is ' +
  '`not_found`, as if it were not there.';

const ofKey = { params: z.object({ key_id: Uuid }) };

export const createKeyRoute = route({
  ...ADMIN,
  operation: 'createKey',
  example: { body: { name: 'cell 4', scopes: ['stream', 'feedback'] } },
  method: 'post',
  path: '/admin/keys',
  summary: 'Make an API key',
  description: `${WHOSE} A key grants no scope that it lacks itself, unless its customer is an operator.`,
  body: KeyWishBody,
  answers: { 201: { description: 'The key, in clear this once', schema: NewKeyBody } },
  errors: ['not_found', 'unavailable'],
});

export const listKeysRoute = route({
  ...ADMIN,
  operation: 'listKeys',
  method: 'get',
  path: '/admin/keys',
  summary: 'List API keys, oldest first, ended ones too',
  description: `${WHOSE} Without \`customer_id\` an operator sees the keys of all.`,
  query: z.strictObject({ customer_id: Uuid.optional(), ...paging }),
  answers: { 200: { description: 'One page', schema: z.object({ keys: z.array(KeyBody), ...page }) } },
  errors: ['not_found', 'unavailable'],
});

export const revokeKeyRoute = route({
  ...ADMIN,
  ...ofKey,
  operation: 'revokeKey',
  method: 'delete',
  path: '/admin/keys/{key_id}',
  summary: 'Revoke an API key',
  description:
    `${WHOSE} It is refused and its running sessions end, on every gateway, within 5 seconds: their robots hold. ` +
    'Revoking a key again changes nothing.',
  answers: {
    200: {
      description: '`revoked` is false where it was revoked before.',
      schema: z.object({ key_id: z.guid(), revoked: z.boolean(), revoked_at: Timestamp }),
    },
  },
  errors: ['not_found', 'unavailable'],
});

export const rotateKeyRoute = route({
  ...ADMIN,
  ...ofKey,
  operation: 'rotateKey',
  example: { body: { grace_seconds: 3600 } },
  method: 'post',
  path: '/admin/keys/{key_id}/rotate',
  summary: 'Replace an API key by a new one',
  description:
    `${WHOSE} The new key has the old one’s name and scopes, so the key that asks must have them too, unless its customer ` +
    'is an operator. The old key works for `grace_seconds` more, and never longer than it would have.',
  body: RotationBody,
  answers: {
    201: {
      description: 'The new key, in clear this once',
      schema: NewKeyBody.extend({ old_expires_at: Timestamp }),
    },
  },
  errors: ['not_found', 'unavailable'],
});

export const listCustomersRoute = route({
  ...ADMIN,
  operation: 'listCustomers',
  method: 'get',
  path: '/admin/customers',
  summary: 'List customers, oldest first',
  description: 'An operator sees all, everybody else the own one.',
  query: z.strictObject(paging),
  answers: { 200: { description: 'One page', schema: z.object({ customers: z.array(CustomerBody), ...page }) } },
  errors: ['unavailable'],
});

export const createCustomerRoute = route({
  ...ADMIN,
  operation: 'createCustomer',
  example: { body: { name: 'Assembly, hall 2', tier: 'pro' } },
  method: 'post',
  path: '/admin/customers',
  summary: 'Make a customer',
  description: 'For operators. Names need not be unique.',
  body: NewCustomerBody,
  answers: { 201: { description: 'The customer', schema: CustomerBody } },
  errors: ['unavailable'],
});

export const updateCustomerRoute = route({
  ...ADMIN,
  operation: 'updateCustomer',
  example: { body: { name: 'Assembly, hall 3' } },
  method: 'put',
  path: '/admin/customers/{customer_id}',
  summary: 'Change a customer',
  description:
    `${WHOSE} Everybody may change the own name; the rest is for operators, who can neither deactivate themselves nor stop ` +
    'being one. What is not given stays. A deactivated customer’s keys are refused, and its sessions end, on every gateway, ' +
    'within 5 seconds.',
  params: z.object({ customer_id: Uuid }),
  body: CustomerChangeBody,
  answers: { 200: { description: 'The customer as it is now', schema: CustomerBody } },
  errors: ['not_found', 'unavailable'],
});

export const ACCOUNT_ROUTES = [
  createKeyRoute,
  listKeysRoute,
  revokeKeyRoute,
  rotateKeyRoute,
  listCustomersRoute,
  createCustomerRoute,
  updateCustomerRoute,
];
