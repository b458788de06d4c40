import { z } from 'zod';
import { route } from './route-contract.js';
import { NOT_BLANK, page, paging, Timestamp, Uuid } from './shapes.js';

/** From nothing to everything; `basic` allows what `none` allows. The rules on them are in libs/privacy. */
export const ConsentTier = z.enum(['none', 'basic', 'analytics', 'research']);
export const AnonymizationLevel = z.enum(['partial', 'full']);

const permissions = {
  can_store_images: z.boolean(),
  can_store_embeddings: z.boolean(),
  can_use_for_training: z.boolean(),
  anonymization_level: AnonymizationLevel,
};

/** What a customer consented to, at one version. */
const terms = {
  tier: ConsentTier,
  /** One more with every change; 0 where there never was one. */
  version: z.int().nonnegative(),
  consented_at: Timestamp.nullable(),
  /** Null: until it is changed. */
  expires_at: Timestamp.nullable(),
  ...permissions,
};

export const ConsentBody = z.object({
  customer_id: z.guid(),
  ...terms,
  /** Over: nothing of it is allowed any more, whatever stands here. */
  expired: z.boolean(),
});
export type ConsentBody = z.infer<typeof ConsentBody>;

const Reason = z.string().trim().min(1, 'must not be empty').max(500).meta({ pattern: NOT_BLANK });

export const ConsentWish = z.strictObject({
  tier: ConsentTier,
  can_store_images: permissions.can_store_images.optional(),
  can_store_embeddings: permissions.can_store_embeddings.optional(),
  can_use_for_training: permissions.can_use_for_training.optional(),
  anonymization_level: permissions.anonymization_level.optional(),
  expires_at: Timestamp.nullable().optional(),
  version: z.int().nonnegative().max(2_147_483_647).optional(),
  reason: Reason.optional(),
});
export type ConsentWish = z.infer<typeof ConsentWish>;

export const ConsentHistory = z.object({
  customer_id: z.guid(),
  changes: z.array(
    z.object({
      version: terms.version,
      action: z.enum(['grant', 'update', 'revoke', 'expire']),
      changed_at: Timestamp,
      /** The key of the request; null where an operator did it at the command line. */
      changed_by: z.guid().nullable(),
      request_id: z.guid().nullable(),
      reason: z.string().nullable(),
      /** Null the first time. */
      from: z.object(terms).nullable(),
      to: z.object(terms),
    }),
  ),
  ...page,
});
export type ConsentHistory = z.infer<typeof ConsentHistory>;

const OF_CUSTOMER = {
  tag: 'Consent',
  access: { kind: 'key', scope: 'admin' },
  params: z.object({ customer_id: Uuid }),
} as const;
const PATH = '/admin/customers/{customer_id}/consent';
const AFTERWARDS = { 200: { description: 'The consent as it stands now', schema: ConsentBody } } as const;

export const getConsentRoute = route({
  ...OF_CUSTOMER,
  operation: 'getConsent',
  method: 'get',
  path: PATH,
  summary: 'What a customer allows to be kept',
  description: 'A customer that never consented to anything has the tier `none` at version 0.',
  answers: { 200: { description: 'The consent', schema: ConsentBody } },
  errors: ['not_found', 'unavailable'],
});

export const setConsentRoute = route({
  ...OF_CUSTOMER,
  operation: 'setConsent',
  example: { body: { tier: 'analytics', reason: 'Agreed to in the contract of November.' } },
  method: 'post',
  path: PATH,
  summary: 'Give or change consent',
  description:
    'Replaces the consent by the next version. A permission that is left out is the tier’s; one that is given may narrow ' +
    'the tier and never widen it. `version` is the version that this change was made on: another one by now is answered ' +
    '409. In force on every gateway within 5 seconds; what was kept before is not touched (see erasure).',
  body: ConsentWish,
  answers: AFTERWARDS,
  errors: ['not_found', 'duplicate', 'unavailable'],
});

export const revokeConsentRoute = route({
  ...OF_CUSTOMER,
  operation: 'revokeConsent',
  method: 'delete',
  path: PATH,
  summary: 'Take consent back',
  description:
    'Back to the tier `none`, as the next version, also where there was no consent: that it was taken back is on record.',
  query: z.strictObject({ reason: Reason.optional() }),
  answers: AFTERWARDS,
  errors: ['not_found', 'unavailable'],
});

export const consentHistoryRoute = route({
  ...OF_CUSTOMER,
  operation: 'consentHistory',
  method: 'get',
  path: `${PATH}/audit`,
  summary: 'Every change of a customer’s consent, newest first',
  query: z.strictObject(paging),
  answers: { 200: { description: 'One page', schema: ConsentHistory } },
  errors: ['not_found', 'unavailable'],
});

export const CONSENT_ROUTES = [getConsentRoute, setConsentRoute, revokeConsentRoute, consentHistoryRoute];
