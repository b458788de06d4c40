export { type Consent, consentOf, type KnownConsent } from './consent.js';
export { ConsentCache, type ConsentClock, type FindConsents, GRACE_MS } from './consent-cache.js';
export { type ConsentInForce, consentInForce, mayStore, STORED_KINDS, type StoredKind } from './may-store.js';
export { scrubSecrets, scrubText } from './scrub/scrub.js';
export { scrubValue } from './scrub/scrub-value.js';
export {
  ANONYMIZATION_LEVELS,
  type AnonymizationLevel,
  CONSENT_TIERS,
  type ConsentTier,
  type GrantedPermissions,
  type Permissions,
  permissionsOf,
  TIER_PERMISSIONS,
} from './tiers.js';
