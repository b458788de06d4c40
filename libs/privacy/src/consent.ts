import { ANONYMIZATION_LEVELS, CONSENT_TIERS, type Permissions } from './tiers.js';

/** What a customer agreed to, as a row of `customer_data_consent` says it; times as Unix milliseconds. */
export interface Consent extends Permissions {
  readonly tier: (typeof CONSENT_TIERS)[number];
  /** Rises by one with every change; 0 where nothing was ever agreed to. */
  readonly version: number;
  readonly consented_at_ms: number;
  /** Null: until it is changed. */
  readonly expires_at_ms: number | null;
}

/** `null`: the customer has no row, which is tier `none`. `unknown`: it cannot be told, which allows nothing either. */
export type KnownConsent = Consent | null | 'unknown';

/**
 * Reads a row as the database, a journal or an API answer has it: times as Date, ISO text or Unix milliseconds. Whatever is
 * not exactly a consent of this release (a tier or level from a later one, a missing permission) is `unknown`.
 */
export function consentOf(row: unknown): KnownConsent {
  if (row === null) return null;
  if (typeof row !== 'object') return 'unknown';
  const {
    consent_tier: tier,
    consent_version: version,
    consented_at,
    expires_at,
    ...rest
  } = row as Readonly<Record<string, unknown>>;
  const { can_store_images, can_store_embeddings, can_use_for_training, anonymization_level } = rest;
  const consentedAt = timeOf(consented_at);
  const expiresAt = expires_at === null ? null : timeOf(expires_at);
  if (!oneOf(CONSENT_TIERS, tier) || !oneOf(ANONYMIZATION_LEVELS, anonymization_level)) return 'unknown';
  if (typeof version !== 'number' || !Number.isSafeInteger(version) || version < 1) return 'unknown';
  if (consentedAt === null || (expires_at !== null && expiresAt === null)) return 'unknown';
  if (typeof can_store_images !== 'boolean' || typeof can_store_embeddings !== 'boolean') return 'unknown';
  if (typeof can_use_for_training !== 'boolean') return 'unknown';
  return {
    tier,
    version,
    consented_at_ms: consentedAt,
    expires_at_ms: expiresAt,
    can_store_images,
    can_store_embeddings,
    can_use_for_training,
    anonymization_level,
  };
}

function oneOf<T extends string>(values: readonly T[], value: unknown): value is T {
  return (values as readonly unknown[]).includes(value);
}

function timeOf(value: unknown): number | null {
  const ms = value instanceof Date ? value.getTime() : typeof value === 'string' ? Date.parse(value) : value;
  // What no date can be (beyond 100,000,000 days of 1970) is no time either.
  const time = typeof ms === 'number' ? new Date(ms).getTime() : Number.NaN;
  return Number.isNaN(time) ? null : time;
}
