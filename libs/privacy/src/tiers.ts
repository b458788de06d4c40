/** From nothing to everything. `basic` is kept apart for what may come; today it allows what `none` allows. */
export const CONSENT_TIERS = ['none', 'basic', 'analytics', 'research'] as const;
export type ConsentTier = (typeof CONSENT_TIERS)[number];

/** `partial`: images are stored without faces, text and metadata; instruction text as it was given. `full`: text is scrubbed too. */
export const ANONYMIZATION_LEVELS = ['partial', 'full'] as const;
export type AnonymizationLevel = (typeof ANONYMIZATION_LEVELS)[number];

export interface Permissions {
  readonly can_store_images: boolean;
  readonly can_store_embeddings: boolean;
  readonly can_use_for_training: boolean;
  readonly anonymization_level: AnonymizationLevel;
}

const OPERATIONAL_ONLY: Permissions = {
  can_store_images: false,
  can_store_embeddings: false,
  can_use_for_training: false,
  anonymization_level: 'full',
};

/** The most that a tier allows, and what it allows where nothing narrower was asked for. */
export const TIER_PERMISSIONS: Readonly<Record<ConsentTier, Permissions>> = {
  none: OPERATIONAL_ONLY,
  basic: OPERATIONAL_ONLY,
  analytics: { ...OPERATIONAL_ONLY, can_store_embeddings: true },
  research: {
    can_store_images: true,
    can_store_embeddings: true,
    can_use_for_training: true,
    anonymization_level: 'partial',
  },
};

type Wish = { readonly [K in keyof Permissions]?: Permissions[K] | undefined };

export type GrantedPermissions =
  | { readonly ok: true; readonly permissions: Permissions }
  | { readonly ok: false; readonly field: keyof Permissions; readonly reason: string };

/** A tier's permissions, narrowed where asked. A wish that would widen the tier is refused by its field. */
export function permissionsOf(tier: ConsentTier, wish: Wish = {}): GrantedPermissions {
  const most = TIER_PERMISSIONS[tier];
  for (const field of ['can_store_images', 'can_store_embeddings', 'can_use_for_training'] as const) {
    if (wish[field] === true && !most[field]) {
      return { ok: false, field, reason: `the tier ${tier} does not include it` };
    }
  }
  if (wish.anonymization_level === 'partial' && most.anonymization_level === 'full') {
    return { ok: false, field: 'anonymization_level', reason: `the tier ${tier} is anonymised in full` };
  }
  return {
    ok: true,
    permissions: {
      can_store_images: wish.can_store_images ?? most.can_store_images,
      can_store_embeddings: wish.can_store_embeddings ?? most.can_store_embeddings,
      can_use_for_training: wish.can_use_for_training ?? most.can_use_for_training,
      anonymization_level: wish.anonymization_level ?? most.anonymization_level,
    },
  };
}
