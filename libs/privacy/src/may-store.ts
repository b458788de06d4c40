import type { KnownConsent } from './consent.js';
import { type ConsentTier, type Permissions, TIER_PERMISSIONS } from './tiers.js';

/**
 * What is kept beyond what running and billing robots needs. `instruction_text` and `free_text` (notes, names a client gives
 * itself): as they were given, not scrubbed.
 */
export const STORED_KINDS = ['image', 'embedding', 'training', 'instruction_text', 'free_text'] as const;
export type StoredKind = (typeof STORED_KINDS)[number];

/** A map, because a tier that is read from outside may be any text, `constructor` included. */
const MOST = new Map<unknown, Permissions>(Object.entries(TIER_PERMISSIONS));

/**
 * Whether this kind of data may be kept now: the one place that decides, asked where data would be stored. Any doubt is a no:
 * no consent, one that cannot be told, has expired, begins later, names what this release does not know, or a time that is no
 * number. A permission of the row narrows its tier and never widens it. Allocates nothing.
 */
export function mayStore(consent: KnownConsent, kind: StoredKind, nowMs: number): boolean {
  if (consent === null || typeof consent !== 'object') return false;
  // Written so that NaN fails each of them.
  if (!(consent.version >= 1 && consent.consented_at_ms <= nowMs)) return false;
  if (consent.expires_at_ms !== null && !(nowMs < consent.expires_at_ms)) return false;
  const most = MOST.get(consent.tier);
  if (most === undefined) return false;
  const level = consent.anonymization_level;
  if (level !== 'full' && level !== 'partial') return false;
  switch (kind) {
    case 'image':
      return most.can_store_images && consent.can_store_images === true;
    case 'embedding':
      return most.can_store_embeddings && consent.can_store_embeddings === true;
    case 'training':
      return most.can_use_for_training && consent.can_use_for_training === true;
    case 'instruction_text':
    case 'free_text':
      return most.anonymization_level === 'partial' && level === 'partial';
    default:
      return false;
  }
}

/** A consent as records name it: what counts at this moment, and which version of the row says so. */
export interface ConsentInForce {
  readonly tier: ConsentTier | 'unknown';
  /** Null where it is unknown. */
  readonly version: number | null;
}

const NONE: ConsentInForce = { tier: 'none', version: 0 };
const UNKNOWN: ConsentInForce = { tier: 'unknown', version: null };

/** Expired, or not begun: tier `none` of that version. */
export function consentInForce(consent: KnownConsent, nowMs: number): ConsentInForce {
  if (consent === null) return NONE;
  if (consent === 'unknown') return UNKNOWN;
  const { tier, version, consented_at_ms, expires_at_ms } = consent;
  const begun = consented_at_ms <= nowMs;
  const over = expires_at_ms !== null && !(nowMs < expires_at_ms);
  return { tier: begun && !over ? tier : 'none', version };
}
